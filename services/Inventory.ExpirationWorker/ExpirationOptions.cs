using System.ComponentModel.DataAnnotations;

namespace Inventory.ExpirationWorker;

/// <summary>How often the worker expires holds, and how many at a time. Section <c>Expiration</c>.</summary>
public sealed class ExpirationOptions
{
    /// <summary>The section of these options in the configuration.</summary>
    public const string Section = "Expiration";

    /// <summary>
    /// Pause between two sweeps: about how late a hold expires while no request concerns its SKU. A request expires the
    /// due holds of its SKU first.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:05:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most lines that one script call expires. Bounds how long the call blocks Redis.</summary>
    [Range(1, 10_000)]
    public int BatchSize { get; init; } = 200;
}
