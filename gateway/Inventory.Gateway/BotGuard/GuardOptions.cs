using System.ComponentModel.DataAnnotations;
using Inventory.Contracts;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// When the guard assumes that machines buy, and what it requires of shoppers then. The defaults suit a shop that sells
/// a few units a second of its best article; an announced sale needs a higher <see cref="Units"/>.
/// </summary>
public sealed class GuardOptions
{
    /// <summary>The configuration section these settings are read from.</summary>
    public const string Section = "Gateway:Guard";

    /// <summary>Units of one SKU that are taken within <see cref="Within"/> before it is tightened. 0: never.</summary>
    [Range(0, 1_000_000_000)] public int Units { get; init; } = 100;

    /// <summary>
    /// Units that one session takes within <see cref="Within"/> before all its requests are tightened. 0: never. A
    /// person fills a cart once.
    /// </summary>
    [Range(0, 1_000_000_000)] public int SessionUnits { get; init; } = 20;

    /// <summary>
    /// Units that all shoppers of one network address take before they are tightened. 0: never. Generous, because
    /// thousands share the address of their mobile carrier.
    /// </summary>
    [Range(0, 1_000_000_000)] public int AddressUnits { get; init; } = 500;

    /// <summary>The sliding window over which units are counted.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long something stays tightened after its threshold was last reached.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Where the guard is tightened, each shopper may try to reserve once in this time.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Turn { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The least difficulty: a solution is a number up to this, found on average half-way. A browser tries some 30,000
    /// a second with WebCrypto, and ten times as many with a SHA-256 of its own.
    /// </summary>
    [Range(1, 100_000_000)] public int MaxNumber { get; init; } = 50_000;

    /// <summary>
    /// Units that <see cref="MaxNumber"/> is for. A request for more costs <see cref="MaxNumber"/> again for each
    /// further as many. A person takes one or two.
    /// </summary>
    [Range(1, 1_000_000)] public int UnitsPerMaxNumber { get; init; } = 2;

    /// <summary>
    /// The greatest difficulty, whatever is asked for and however fast units are taken. A telephone has to find the
    /// number in some seconds.
    /// </summary>
    [Range(1, 100_000_000)] public int LargestNumber { get; init; } = 500_000;

    /// <summary>
    /// How long a challenge may be solved. Long enough for an old telephone, short enough that a bot can't solve
    /// challenges the night before a sale.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan ChallengeLifetime { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How often a gateway reports taken units and learns what is tightened. Gateways disagree for at most this time.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.020", "00:00:05")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The units within <see cref="Within"/> that tighten a SKU, a session or an address.</summary>
    /// <param name="who">Its name, as <see cref="GuardSubject"/> makes it.</param>
    internal int ThresholdOf(string who) => GuardSubject.Split(who).Kind switch
    {
        "sku" => Units,
        "session" => SessionUnits,
        _ => AddressUnits,
    };
}
