using System.ComponentModel.DataAnnotations;

namespace Inventory.ReconciliationWorker;

/// <summary>Settings of the reconciliation worker. Section <c>Reconciliation</c>.</summary>
public sealed class ReconciliationOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Reconciliation";

    /// <summary>
    /// How often the worker checks whether Redis has lost its data and has to be rebuilt. Nothing is sold until then; a
    /// check is one small query to each store.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan FenceCheckInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How often every SKU is sent to Redis, changed or not. Change capture keeps Redis up to date; the sweep is a
    /// safety net, and each one reads every SKU.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Number of parallel stock writes to Redis: enough to use the connection, too few to delay other calls.
    /// </summary>
    [Range(1, 1_000)]
    public int WriteConcurrency { get; init; } = 64;

    /// <summary>
    /// The replication slot. All databases of a PostgreSQL server share one namespace of slots: give each installation
    /// on it its own name.
    /// </summary>
    [RegularExpression("[a-z0-9_]{1,63}")]
    public string Slot { get; init; } = "inventory_changes";

    /// <summary>
    /// Maximum number of changed SKUs read and written together. Limits memory, and how long the first one waits.
    /// </summary>
    [Range(1, 10_000)]
    public int CaptureBatch { get; init; } = 500;

    /// <summary>How often a waiting instance tries to take over change capture.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:05")]
    public TimeSpan TakeoverInterval { get; init; } = TimeSpan.FromMilliseconds(500);
}
