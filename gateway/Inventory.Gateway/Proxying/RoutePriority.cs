using Inventory.Gateway.Admission;
using Inventory.ServiceDefaults.Overload;
using Yarp.ReverseProxy.Configuration;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Whether a route's requests may be shed: the gateway carries most of an overload, and here refusing is cheapest. The
/// rate limit says what a route does. Routes that last (<c>TimeoutPolicy</c>) wait for news, and take nobody's place.
/// </summary>
internal static class RoutePriority
{
    /// <summary>Null for a route that is never shed.</summary>
    public static Priority? Of(RouteConfig route)
    {
        if (route.TimeoutPolicy is not null) return null;
        return route.Metadata?.GetValueOrDefault("RateLimit") switch
        {
            nameof(RateLimitOptions.Read) => Priority.Browsing,
            nameof(RateLimitOptions.Reserve) or nameof(RateLimitOptions.Batch) => Priority.Reserving,
            _ => null,
        };
    }
}
