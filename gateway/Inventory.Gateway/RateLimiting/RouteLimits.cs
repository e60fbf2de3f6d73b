using Yarp.ReverseProxy.Configuration;

namespace Inventory.Gateway.RateLimiting;

/// <summary>What a route does with a request without a session.</summary>
internal enum SessionUse
{
    /// <summary>An existing session counts; none is begun.</summary>
    IfPresent,

    /// <summary>
    /// A shopper's route: a session begins, except for callers with an API key and, in Development, on this machine.
    /// </summary>
    Begin,

    /// <summary>A session begins for every caller without a key, because the caller asks for one.</summary>
    BeginAlways,
}

/// <summary>
/// A route's policy, from its metadata <c>RateLimit</c> (a property of <see cref="RateLimitOptions"/>) and
/// <c>Session</c> (a <see cref="SessionUse"/>). A route without <c>RateLimit</c> is not limited.
/// </summary>
internal sealed record RouteLimits(CompiledPolicy Policy, SessionUse Session)
{
    /// <summary>Reads a route's metadata; null when it has no policy.</summary>
    /// <exception cref="InvalidOperationException">The metadata names an unknown policy or use.</exception>
    public static RouteLimits? Of(RouteConfig route, RatePolicies policies)
    {
        if (route.Metadata?.TryGetValue("RateLimit", out var policy) != true) return null;
        var session = SessionUse.IfPresent;
        if (route.Metadata.TryGetValue("Session", out var use)
            && !(Enum.TryParse(use, out session) && Enum.IsDefined(session)))
        {
            throw new InvalidOperationException($"Route {route.RouteId} has the unknown Session {use}.");
        }

        return new RouteLimits(policies.Named(policy!, $"Route {route.RouteId}"), session);
    }
}
