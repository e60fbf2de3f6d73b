using Inventory.Gateway.RateLimiting;
using Inventory.ServiceDefaults.Overload;
using Yarp.ReverseProxy.Configuration;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Whether a route's requests may be shed. The gateway takes most of an overload, and refuses at the lowest cost. The
/// rate limit says what a route does. Long requests (<c>TimeoutPolicy</c>) mostly wait, and are never shed.
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
