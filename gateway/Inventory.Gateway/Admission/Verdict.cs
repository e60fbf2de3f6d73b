namespace Inventory.Gateway.Admission;

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
    /// <summary>The request has none.</summary>
    None = 0,

    /// <summary>It goes on, for another idle time.</summary>
    Alive = 1,

    /// <summary>It was ended, or idle for too long.</summary>
    Ended = -1,
}

/// <summary>The answer of a limiter.</summary>
/// <param name="Outcome">Whether the request may pass.</param>
/// <param name="Session">What became of its session.</param>
/// <param name="Tightest">The budget with least left, or null when nothing is limited.</param>
/// <param name="Remaining">Requests that it still admits.</param>
/// <param name="Reset">Until permits come back; for a refused request, until it can pass.</param>
/// <param name="Shared">Whether all gateways were counted, or this one alone.</param>
internal readonly record struct Verdict(
    RateLimitOutcome Outcome, SessionState Session, Budget? Tightest, long Remaining, TimeSpan Reset, bool Shared)
{
    /// <summary>For a request that no budget is set for, and that has no session to keep.</summary>
    public static Verdict Unlimited { get; } =
        new(RateLimitOutcome.Admitted, SessionState.None, Tightest: null, 0, TimeSpan.Zero, Shared: true);
}
