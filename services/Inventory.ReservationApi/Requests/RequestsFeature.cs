using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Inventory.ReservationApi.Requests;

/// <summary>How requests are read, and answers written.</summary>
internal static class RequestsFeature
{
    internal static void AddRequests(this IHostApplicationBuilder builder) =>
        builder.Services.Configure<KestrelServerOptions>(
            kestrel => kestrel.Limits.MaxRequestBodySize = IncomingBody.MaxBytesTaken);
}
