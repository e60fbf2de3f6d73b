using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Inventory.ReservationApi.Requests;

/// <summary>How requests are read, and answers written.</summary>
internal static class RequestsFeature
{
    internal static void AddRequests(this IHostApplicationBuilder builder) =>
        builder.Services.Configure<KestrelServerOptions>(
            kestrel => kestrel.Limits.MaxRequestBodySize = IncomingBody.MaxBytesTaken);

    /// <summary>
    /// Decodes the names in paths, and refuses a body where none is read. A caller that sends one expects it to matter:
    /// lines in the body of a DELETE would seem to release a part, and the whole hold would be gone.
    /// </summary>
    internal static void UseRequests(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        var refusal = PathNames.Decode(http) ?? (TakesNoBody(http) ? await IncomingBody.RefuseAnyAsync(http) : null);
        if (refusal is null) await next(http);
        else await refusal.ExecuteAsync(http);
    });

    private static bool TakesNoBody(HttpContext http) =>
        !HttpMethods.IsGet(http.Request.Method)
        // The endpoints by which routing refuses, such as a media type, are none of a route.
        && http.GetEndpoint() is RouteEndpoint endpoint && endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is null;
}
