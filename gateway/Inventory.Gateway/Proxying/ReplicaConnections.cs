using System.Net;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace Inventory.Gateway.Proxying;

/// <summary>The connections to the replicas, and how long one may be silent.</summary>
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

    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);

        handler.ConnectTimeout = limits.Value.ConnectTimeout;
        handler.MaxConnectionsPerServer = limits.Value.ConnectionsPerReplica;
        handler.PooledConnectionLifetime = limits.Value.ConnectionLifetime;

        // Shorter than the replicas' own keep-alive (Kestrel: 130 s), so that no request meets a connection which the
        // replica is just closing. That would be a lost answer for a request which must not be repeated.
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60);

        // A gateway passes on what it gets. Following, unpacking or remembering anything is the client's business, and
        // a cookie jar here would be shared by all callers.
        handler.AllowAutoRedirect = false;
        handler.UseCookies = false;
        handler.AutomaticDecompression = DecompressionMethods.None;
        handler.UseProxy = false;
    }
}
