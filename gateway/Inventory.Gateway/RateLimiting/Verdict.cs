namespace Inventory.Gateway.RateLimiting;

/// <summary>What <c>rate_limit.lua</c> says about a request.</summary>
internal enum RateLimitOutcome
{
    /// <summary>Every budget had a permit left, and was charged.</summary>
    Admitted = 1,

    /// <summary>A budget is used up; none was charged.</summary>
    Refused = -1,
}

/// <summary>What <c>rate_limit.lua</c> says about a request's session.</summary>
internal enum SessionState
{
    /// <summary>The request has no session.</summary>
    None = 0,

    /// <summary>The session lasts for another idle time.</summary>
    Alive = 1,

    /// <summary>The session was ended, or idle for too long.</summary>
    Ended = -1,
}

/// <summary>The answer of a limiter.</summary>
/// <param name="Outcome">Whether the request may pass.</param>
/// <param name="Session">The state of its session.</param>
/// <param name="Tightest">The budget with least left, or null when nothing is limited.</param>
/// <param name="Remaining">Requests that this budget still admits.</param>
/// <param name="Reset">Time until permits come back; for a refused request, until it can pass.</param>
/// <param name="Shared">Whether the count is that of all gateways, or of this one alone.</param>
internal readonly record struct Verdict(
    RateLimitOutcome Outcome, SessionState Session, Budget? Tightest, long Remaining, TimeSpan Reset, bool Shared)
{
    /// <summary>The verdict on a request without budgets and without a session.</summary>
    public static Verdict Unlimited { get; } =
        new(RateLimitOutcome.Admitted, SessionState.None, Tightest: null, 0, TimeSpan.Zero, Shared: true);
}
