namespace Inventory.ReservationApi.Problems;

/// <summary>Restricts what a page may load, and which pages may show it in a frame.</summary>
internal static class ContentPolicy
{
    /// <summary>Sends a Content-Security-Policy with every answer of an endpoint.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="policy">The header's value.</param>
    internal static TBuilder WithContentPolicy<TBuilder>(this TBuilder endpoint, string policy)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoint.Add(built =>
        {
            if (built.RequestDelegate is not { } answer) return;
            built.RequestDelegate = http =>
            {
                http.Response.Headers.ContentSecurityPolicy = policy;
                return answer(http);
            };
        });
        return endpoint;
    }
}
