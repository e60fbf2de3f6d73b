using System.ComponentModel.DataAnnotations;

namespace Inventory.Gateway.Guarding;

/// <summary>
/// What counts as a machine at work, and what is asked of shoppers then. The defaults suit a shop that sells a few
/// units a second of its best article: a sale that everybody was invited to has a higher <see cref="Units"/>.
/// </summary>
public sealed class GuardOptions
{
    /// <summary>The configuration section these settings are read from.</summary>
    public const string Section = "Gateway:Guard";

    /// <summary>Units of one SKU that are taken within <see cref="Within"/> before it is tightened. 0: never.</summary>
    [Range(0, 1_000_000_000)] public int Units { get; init; } = 100;

    /// <summary>
    /// Units that one session takes within <see cref="Within"/> before it is tightened, whatever it asks for. 0: never.
    /// A person fills a cart once.
    /// </summary>
    [Range(0, 1_000_000_000)] public int SessionUnits { get; init; } = 20;

    /// <summary>
    /// Units that all shoppers of one network address take before they are tightened. 0: never. Generous, because
    /// thousands share the address of their mobile carrier.
    /// </summary>
    [Range(0, 1_000_000_000)] public int AddressUnits { get; init; } = 500;

    /// <summary>The time that units are counted over, wherever it begins.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long something stays tightened once it is calm again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>One request to reserve per shopper and this time, of what is tightened.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Turn { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The difficulty: a solution is a number up to this, found on average half-way. A browser tries some 100,000 a
    /// second with SHA-256, less on an old telephone.
    /// </summary>
    [Range(1, 100_000_000)] public int MaxNumber { get; init; } = 100_000;

    /// <summary>
    /// How long a challenge may be solved. Long enough for an old telephone, short enough that nobody solves tonight
    /// what is sold tomorrow.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan ChallengeLifetime { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How often a gateway tells what it saw and hears what is tightened: the longest that gateways disagree.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.020", "00:00:05")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(200);
}
