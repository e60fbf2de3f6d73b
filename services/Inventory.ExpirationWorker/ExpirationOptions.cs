using System.ComponentModel.DataAnnotations;

namespace Inventory.ExpirationWorker;

/// <summary>How often and how much the worker gives back. Section <c>Expiration</c>.</summary>
public sealed class ExpirationOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Expiration";

    /// <summary>
    /// Pause between two sweeps, and so about the latest that an unobserved hold comes back. Stock that somebody asks
    /// for is exact without it.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:05:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most lines one script call gives back, at some 30 µs each: so long Redis serves nobody else.</summary>
    [Range(1, 10_000)]
    public int BatchSize { get; init; } = 200;
}
