using Yarp.ReverseProxy.Configuration;

namespace Inventory.Gateway.Guarding;

/// <summary>
/// Marks a route by which stock is taken, from its metadata <c>Guard</c>: <c>Reserve</c>. No other value has a meaning.
/// </summary>
internal sealed record GuardedRoute
{
    private static readonly GuardedRoute Reserve = new();

    /// <summary>Reads a route's metadata; null when it isn't guarded.</summary>
    /// <exception cref="InvalidOperationException">Its metadata means nothing.</exception>
    public static GuardedRoute? Of(RouteConfig route)
    {
        if (route.Metadata?.TryGetValue("Guard", out var guard) != true) return null;
        return guard == nameof(Reserve)
            ? Reserve
            : throw new InvalidOperationException($"Route {route.RouteId} has the unknown Guard {guard}.");
    }
}
