using System.ComponentModel.DataAnnotations;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Settings of the audit. Section <c>Audit</c>.</summary>
public sealed class AuditOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Audit";

    /// <summary>
    /// Pause between the end of a cycle and the beginning of the next. A small shop is audited in a fraction of a
    /// second, so this is the age of its last audit.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Maximum number of SKUs, holds or rows compared in a second. Keeps a large shop's audit below a twentieth of what
    /// Redis can do: a SKU costs it some 4 µs, a hold some 10. A cycle reads SKUs twice, once from PostgreSQL and once
    /// from Redis: a million take seven minutes at the least, and longer if <see cref="Share"/> slows it down.
    /// </summary>
    [Range(100, 1_000_000)]
    public int ItemsPerSecond { get; init; } = 5_000;

    /// <summary>
    /// Maximum share of the time in which a cycle works; it pauses for the rest. A page takes longer on a busy machine,
    /// and the pause grows with it, so the audit yields under load: this process, PostgreSQL and Redis together use
    /// about this share of one core. A requested run doesn't pause for this.
    /// </summary>
    [Range(0.01, 1)]
    public double Share { get; init; } = 0.1;

    /// <summary>Number of items read and compared together. Limits memory, whatever the size of the shop.</summary>
    [Range(10, 5_000)]
    public int PageSize { get; init; } = 500;

    /// <summary>
    /// How long a difference may be a delay of change capture or the materializer. A difference that lasts longer,
    /// without any change in the meantime, is drift.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:05:00")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Whether cycles make repairs that are proven to be safe. A requested run states itself whether it repairs.
    /// </summary>
    public bool AutomaticRepair { get; init; } = true;

    /// <summary>How long a closed finding is kept.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan KeepFindings { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How many runs are kept.</summary>
    [Range(1, 10_000)]
    public int KeepRuns { get; init; } = 100;
}
