using System.ComponentModel.DataAnnotations;

namespace Inventory.ReconciliationWorker;

/// <summary>How Redis is kept in step with PostgreSQL. Section <c>Reconciliation</c>.</summary>
public sealed class ReconciliationOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Reconciliation";

    /// <summary>
    /// How soon a Redis that has lost its data is noticed, and then loaded again. Nothing is sold meanwhile; a look is
    /// one small question to each store.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan FenceCheckInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How often every SKU is compared, changed or not. Change capture is what keeps Redis up to date; this is the net
    /// below it, and each sweep reads every SKU.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Stock writes on their way to Redis at once: enough to fill the pipe, too few to delay others.</summary>
    [Range(1, 1_000)]
    public int WriteConcurrency { get; init; } = 64;

    /// <summary>
    /// The replication slot. A PostgreSQL server has one namespace of slots for all its databases: give each
    /// installation on it a name of its own.
    /// </summary>
    [RegularExpression("[a-z0-9_]{1,63}")]
    public string Slot { get; init; } = "inventory_changes";

    /// <summary>Most changed SKUs read and written together. Bounds memory, and the wait of the first.</summary>
    [Range(1, 10_000)]
    public int CaptureBatch { get; init; } = 500;

    /// <summary>How soon a waiting instance notices that the one which captures is gone.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:05")]
    public TimeSpan TakeoverInterval { get; init; } = TimeSpan.FromMilliseconds(500);
}
