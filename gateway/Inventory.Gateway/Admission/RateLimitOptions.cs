using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Admission;

/// <summary>How many requests one identity may make in any window of a length.</summary>
public sealed class RateBudget
{
    /// <summary>
    /// Requests that pass in a window. 0: not limited, and nothing is counted. The most fits the counter in Redis.
    /// </summary>
    [Range(0, 1_000_000_000)] public int Permits { get; set; }

    /// <summary>The window's length, wherever it begins. Permits come back up to a twentieth of it late.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>The budgets of one kind of request, by who makes it. Every identity must have some left.</summary>
public sealed class RatePolicy
{
    /// <summary>Of a shopper's session.</summary>
    [ValidateObjectMembers] public RateBudget Session { get; init; } = new();

    /// <summary>
    /// Of an API key. It stands alone: all of a backend's requests may come from one address, and a key has an owner.
    /// </summary>
    [ValidateObjectMembers] public RateBudget ApiKey { get; init; } = new();

    /// <summary>
    /// Of a network address (IPv6: a /64), for everyone without a key. Thousands of shoppers share the address of their
    /// mobile carrier, so this one only stops a machine that makes sessions by the thousand.
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
/// What each kind of request may cost us, and what happens while Redis, which counts for all gateways, is away. The
/// defaults suit a sale: 50,000 shoppers, a few thousand of them behind one address.
/// </summary>
public sealed class RateLimitOptions
{
    /// <summary>The configuration section these limits are read from.</summary>
    public const string Section = "Gateway:RateLimits";

    /// <summary>Holding stock: what bots are after. A person presses the button twice, not twenty times.</summary>
    [ValidateObjectMembers] public RatePolicy Reserve { get; init; } = RatePolicy.PerMinute(20, 60_000, 6_000);

    /// <summary>Many reservations in one request: a backend's tool.</summary>
    [ValidateObjectMembers] public RatePolicy Batch { get; init; } = RatePolicy.PerMinute(2, 6_000, 60);

    /// <summary>Extending and releasing what one has.</summary>
    [ValidateObjectMembers] public RatePolicy Change { get; init; } = RatePolicy.PerMinute(60, 60_000, 12_000);

    /// <summary>Paying. Its own and a generous budget: nobody may lose an order for having looked around.</summary>
    [ValidateObjectMembers] public RatePolicy Confirm { get; init; } = RatePolicy.PerMinute(120, 120_000, 24_000);

    /// <summary>Looking: stock, products, one's own reservations, the documentation.</summary>
    [ValidateObjectMembers] public RatePolicy Read { get; init; } = RatePolicy.PerMinute(600, 120_000, 60_000);

    /// <summary>Payment providers, who send from a few addresses and carry a signature in place of a key.</summary>
    [ValidateObjectMembers] public RatePolicy Webhook { get; init; } = RatePolicy.PerMinute(60, 60_000, 60_000);

    /// <summary>Products, totals, operations. Without a key there is nothing here but guessing one.</summary>
    [ValidateObjectMembers] public RatePolicy Administration { get; init; } = RatePolicy.PerMinute(60, 3_000, 300);

    /// <summary>
    /// Sessions that one address may begin: who drops the cookie to get a fresh budget pays here.
    /// </summary>
    [ValidateObjectMembers] public RateBudget NewSession { get; init; } = new() { Permits = 3_000 };

    /// <summary>
    /// Longest that a call to Redis may take; then this instance decides. It takes well under a millisecond.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.005", "00:00:02")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Time between two attempts to find Redis again. Requests don't wait for them.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Identities that one instance tells apart while it counts by itself, some 500 bytes each; beyond it, further
    /// ones share budgets.
    /// </summary>
    [Range(1_000, 10_000_000)] public int LocalIdentities { get; init; } = 100_000;
}
