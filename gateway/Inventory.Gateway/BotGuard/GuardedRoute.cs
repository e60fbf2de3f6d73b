using Yarp.ReverseProxy.Configuration;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// Marks a route that takes stock, by its metadata <c>Guard</c>. The only value is <c>Reserve</c>.
/// </summary>
internal sealed record GuardedRoute
{
    private static readonly GuardedRoute Reserve = new();

    /// <summary>Reads a route's metadata; null when it isn't guarded.</summary>
    /// <exception cref="InvalidOperationException">The metadata has another value.</exception>
    public static GuardedRoute? Of(RouteConfig route)
    {
        if (route.Metadata?.TryGetValue("Guard", out var guard) != true) return null;
        return guard == nameof(Reserve)
            ? Reserve
            : throw new InvalidOperationException($"Route {route.RouteId} has the unknown Guard {guard}.");
    }
}
