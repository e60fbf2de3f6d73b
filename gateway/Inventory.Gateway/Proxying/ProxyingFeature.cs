using Inventory.Gateway.BotGuard;
using Inventory.Gateway.RateLimiting;
using Inventory.ServiceDefaults.Draining;
using Inventory.ServiceDefaults.Overload;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;

namespace Inventory.Gateway.Proxying;

/// <summary>Forwards to the reservation API's replicas. Routes and clusters are in appsettings.json.</summary>
internal static class ProxyingFeature
{
    /// <summary>Reads the routes, finds the replicas by service discovery and watches their health.</summary>
    public static void AddProxying(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IForwarderHttpClientFactory, ReplicaConnections>();
        builder.Services.AddSingleton<IPassiveHealthCheckPolicy, DestinationFailureHealthPolicy>();
        builder.Services.AddSingleton<IProbingRequestFactory, ProbeRequests>();
        builder.Services.AddSingleton<StreamMetrics>();
        builder.Services.AddSingleton<StreamTurns>();

        builder.Services.AddReverseProxy()
            .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
            .AddConfigFilter<ReplicaConnections>()
            .AddTransforms(route =>
            {
                if (ReplicaPools.Of(route.Route) is var pool and not ReplicaPool.Requests)
                {
                    route.RequestTransforms.Add(new UsesPool(pool));
                }
            })
            .AddTransforms(route => route.RequestTransforms.Add(new SentPath()))
            .AddTransforms(route => route.ResponseTransforms.Add(new PublicLocation()))
            .AddTransforms(route => route.ResponseTransforms.Add(route.Services.GetRequiredService<UnitsTaken>()))
            .AddTransforms(route => route.ResponseTransforms.Add(
                new EndingStreams(route.Services.GetRequiredService<InstanceDrain>())))
            .AddServiceDiscoveryDestinationResolver();
    }

    /// <summary>
    /// Forwards the public routes. The retry encloses load balancing and health checks, so that each attempt chooses a
    /// replica and is judged by itself. By design: no session affinity, because every replica serves every caller.
    /// </summary>
    public static void MapProxying(this IEndpointRouteBuilder routes)
    {
        var policies = routes.ServiceProvider.GetRequiredService<RatePolicies>();
        routes.MapReverseProxy(proxy =>
        {
            proxy.UseMiddleware<UpstreamProblems>();
            proxy.UseMiddleware<RetryOnce>();
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        }).ConfigureEndpoints((endpoint, route) =>
        {
            if (RouteLimits.Of(route, policies) is { } limits) endpoint.WithMetadata(limits);
            if (RoutePriority.Of(route) is { } priority) endpoint.MayBeShed(priority);
            if (ReplicaPools.Of(route) == ReplicaPool.Streams) endpoint.WithMetadata(new StreamRoute());
            if (GuardedRoute.Of(route) is { } guarded) endpoint.WithMetadata(guarded);
        });
    }
}
