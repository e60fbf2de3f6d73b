using System.Text;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway;

/// <summary>Applies <see cref="GatewayLimits"/> to the server and to the duration of requests.</summary>
public static class ServerLimits
{
    /// <summary>
    /// A body that has arrived more slowly than this on average, 5 s after its request or later, is ended. Far below
    /// any client that sends; so a body that starves ends after 5 s, and only one that keeps coming has
    /// <see cref="GatewayLimits.RequestTimeout"/>.
    /// </summary>
    private static readonly MinDataRate StarvingBody = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>
    /// Reads the limits, refuses to start when one is out of range or unknown, and hands them to Kestrel.
    /// </summary>
    public static void AddGatewayLimits(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<GatewayLimits>(GatewayLimits.Section);

        builder.Services.AddSingleton<ConnectionLimit>();
        builder.Services.AddOptions<KestrelServerOptions>()
            .Configure<IOptions<GatewayLimits>, ConnectionLimit>((server, limits, connections) =>
            {
                Apply(server, limits.Value);
                server.ConfigureEndpointDefaults(connections.Apply);
            });

        builder.Services.AddRequestTimeouts();
        builder.Services.AddOptions<RequestTimeoutOptions>()
            .Configure<IOptions<GatewayLimits>>((timeouts, limits) =>
                timeouts.DefaultPolicy = new RequestTimeoutPolicy { Timeout = limits.Value.RequestTimeout });
    }

    private static void Apply(KestrelServerOptions server, GatewayLimits limits)
    {
        server.Limits.MaxRequestBodySize = limits.RequestBodyBytes;
        server.Limits.MaxRequestHeadersTotalSize = limits.RequestHeaderBytes;
        server.Limits.MaxRequestHeaderCount = limits.RequestHeaderCount;
        server.Limits.MaxRequestLineSize = limits.RequestLineBytes;
        server.Limits.RequestHeadersTimeout = limits.RequestHeadersTimeout;
        server.Limits.KeepAliveTimeout = limits.KeepAliveTimeout;
        server.Limits.MaxConcurrentConnections = limits.ConcurrentConnections;

        // What a replica's header says is passed on as it is.
        server.ResponseHeaderEncodingSelector = static _ => Encoding.UTF8;

        server.Limits.MinRequestBodyDataRate = StarvingBody;

        // By design: Kestrel's minimum rate of answers and its buffers stay. The buffers, 1 MiB in and 64 KiB out,
        // exceed every message of the API.
    }
}
