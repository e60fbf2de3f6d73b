using System.ComponentModel.DataAnnotations;

namespace Inventory.ReconciliationWorker;

/// <summary>How Redis is kept in step with PostgreSQL. Section <c>Reconciliation</c>.</summary>
public sealed class ReconciliationOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Reconciliation";

    /// <summary>How soon a Redis that has lost its data is noticed, and then loaded again.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan FenceCheckInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How soon a total that was changed by SQL reaches the shop window. Each sweep reads every SKU.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Stock writes on their way to Redis at once: enough to fill the pipe, too few to delay anybody.</summary>
    [Range(1, 1_000)]
    public int SweepConcurrency { get; init; } = 64;
}
