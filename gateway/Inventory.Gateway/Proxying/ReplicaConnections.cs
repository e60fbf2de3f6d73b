using System.Net;
using System.Text;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace Inventory.Gateway.Proxying;

/// <summary>Configures the connections to the replicas, and how long an exchange may be without data.</summary>
internal sealed class ReplicaConnections(IOptions<GatewayLimits> limits)
    : ForwarderHttpClientFactory, IProxyConfigFilter
{
    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel)
    {
        var request = cluster.HttpRequest ?? ForwarderRequestConfig.Empty;
        return ValueTask.FromResult(
            cluster with { HttpRequest = request with { ActivityTimeout = limits.Value.ActivityTimeout } });
    }

    public ValueTask<RouteConfig> ConfigureRouteAsync(
        RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) => ValueTask.FromResult(route);

    /// <summary>Each kind of request gets a handler of its own, with the same settings but for its size.</summary>
    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler)
    {
        var usual = (SocketsHttpHandler)handler;
        return base.WrapHandler(context, new ReplicaPools(pool =>
        {
            if (pool == ReplicaPool.Requests) return usual;
            var own = new SocketsHttpHandler { ActivityHeadersPropagator = usual.ActivityHeadersPropagator };
            ConfigureHandler(context, own);
            own.MaxConnectionsPerServer = pool switch
            {
                ReplicaPool.Streams => limits.Value.Streams,
                // One probe at a time, and the connection of one that timed out.
                ReplicaPool.Probes => 2,
                _ => limits.Value.ConnectionsPerReplica,
            };
            return own;
        }));
    }

    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);

        handler.ConnectTimeout = limits.Value.ConnectTimeout;
        handler.MaxConnectionsPerServer = limits.Value.ConnectionsPerReplica;
        handler.PooledConnectionLifetime = limits.Value.ConnectionLifetime;

        // HTTP allows bytes beyond ASCII in a header, and the server reads them as UTF-8. The client's own default, to
        // refuse them, would make a caller's header look like a broken replica.
        handler.RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8;
        handler.ResponseHeaderEncodingSelector = static (_, _) => Encoding.UTF8;

        // Shorter than the replicas' own keep-alive (Kestrel: 130 s), so that no request is sent on a connection that
        // the replica is closing: its answer would be lost, and not every request may be repeated.
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60);

        // Answers are passed on unchanged. Redirects, compression and cookies are for the client to handle; all callers
        // would share a cookie jar of the gateway.
        handler.AllowAutoRedirect = false;
        handler.UseCookies = false;
        handler.AutomaticDecompression = DecompressionMethods.None;
        handler.UseProxy = false;
    }
}
