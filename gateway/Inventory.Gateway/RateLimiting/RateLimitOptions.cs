using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.RateLimiting;

/// <summary>How many requests one identity may make in any window of a given length.</summary>
public sealed class RateBudget
{
    /// <summary>
    /// Requests that pass in a window. 0: not limited, and nothing is counted. The maximum fits the counter in Redis.
    /// </summary>
    [Range(0, 1_000_000_000)] public int Permits { get; set; }

    /// <summary>The length of the sliding window. Permits come back up to a twentieth of it late.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>The budgets of one kind of request. Each of the caller's identities must have permits left.</summary>
public sealed class RatePolicy
{
    /// <summary>Of a shopper's session.</summary>
    [ValidateObjectMembers] public RateBudget Session { get; init; } = new();

    /// <summary>
    /// Of an API key. The address is not charged: a backend's requests may all come from one, and a key has an owner.
    /// </summary>
    [ValidateObjectMembers] public RateBudget ApiKey { get; init; } = new();

    /// <summary>
    /// Of a network address (IPv6: a /56), for callers without a key. Thousands of shoppers share the address of their
    /// mobile carrier, so this budget only stops a machine that begins sessions by the thousand.
    /// </summary>
    [ValidateObjectMembers] public RateBudget Address { get; init; } = new();

    internal static RatePolicy PerMinute(int session, int apiKey, int address) => new()
    {
        Session = { Permits = session },
        ApiKey = { Permits = apiKey },
        Address = { Permits = address },
    };
}

/// <summary>
/// The budgets of each kind of request, and how a gateway limits while Redis, which counts for all gateways, is
/// unavailable. The defaults suit a sale: 50,000 shoppers, a few thousand of them behind one address.
/// </summary>
public sealed class RateLimitOptions
{
    /// <summary>The configuration section these limits are read from.</summary>
    public const string Section = "Gateway:RateLimits";

    /// <summary>Reserving, which bots are after. A person presses the button twice, not twenty times.</summary>
    [ValidateObjectMembers] public RatePolicy Reserve { get; init; } = RatePolicy.PerMinute(20, 60_000, 6_000);

    /// <summary>Many reservations in one request, which backends send.</summary>
    [ValidateObjectMembers] public RatePolicy Batch { get; init; } = RatePolicy.PerMinute(2, 6_000, 60);

    /// <summary>Extending and releasing reservations.</summary>
    [ValidateObjectMembers] public RatePolicy Change { get; init; } = RatePolicy.PerMinute(60, 60_000, 12_000);

    /// <summary>Confirming. A generous budget of its own: browsing must not cost a shopper the order.</summary>
    [ValidateObjectMembers] public RatePolicy Confirm { get; init; } = RatePolicy.PerMinute(120, 120_000, 24_000);

    /// <summary>Reading stock, products, the caller's reservations and the documentation.</summary>
    [ValidateObjectMembers] public RatePolicy Read { get; init; } = RatePolicy.PerMinute(600, 120_000, 60_000);

    /// <summary>Payment providers: they send from a few addresses, with a signature in place of a key.</summary>
    [ValidateObjectMembers] public RatePolicy Webhook { get; init; } = RatePolicy.PerMinute(60, 60_000, 60_000);

    /// <summary>Products, totals and operations. All that a caller without a key can do here is guess one.</summary>
    [ValidateObjectMembers] public RatePolicy Administration { get; init; } = RatePolicy.PerMinute(60, 3_000, 300);

    /// <summary>
    /// Sessions that one address may begin: the limit for a client that drops its cookie to get a new session's budget.
    /// </summary>
    [ValidateObjectMembers] public RateBudget NewSession { get; init; } = new() { Permits = 3_000 };

    /// <summary>
    /// Longest wait for a call to Redis; then this instance decides. A call usually takes well under a millisecond.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.005", "00:00:02")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Time between two probes of an unavailable Redis. Requests don't wait for them.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Identities with budgets of their own while one instance counts by itself, some 500 bytes each; further ones
    /// share budgets.
    /// </summary>
    [Range(1_000, 10_000_000)] public int LocalIdentities { get; init; } = 100_000;
}
