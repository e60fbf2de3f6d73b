using Inventory.Contracts;
using Inventory.ReservationApi.Problems;

namespace Inventory.ReservationApi;

/// <summary>
/// Answers HEAD like GET; the server leaves out the body. Every GET route answers HEAD, except streams: their answer
/// would never end.
/// </summary>
internal static class HeadRequests
{
    private static readonly object Asked = new();

    /// <summary>Comes before routing, which would find no route for HEAD.</summary>
    internal static void UseHeadRequests(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            if (HttpMethods.IsHead(http.Request.Method))
            {
                http.Request.Method = HttpMethods.Get;
                http.Items[Asked] = true;
            }

            return next(http);
        });
        app.UseRouting();
    }

    /// <summary>Refuses HEAD for an endpoint that answers with a stream.</summary>
    internal static RouteHandlerBuilder RefusesHead(this RouteHandlerBuilder endpoint) =>
        endpoint.AddEndpointFilter((call, next) =>
        {
            if (!call.HttpContext.Items.ContainsKey(Asked)) return next(call);
            call.HttpContext.Response.Headers.Allow = HttpMethods.Get;
            return ValueTask.FromResult<object?>(
                Refusal.Of(Problem.MethodNotAllowed, "A stream has no head; use GET."));
        });
}
