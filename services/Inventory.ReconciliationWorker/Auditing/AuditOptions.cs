using System.ComponentModel.DataAnnotations;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>How both stores are compared. Section <c>Audit</c>.</summary>
public sealed class AuditOptions
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Audit";

    /// <summary>
    /// Between the end of a cycle over everything and the beginning of the next. A small shop is looked through in a
    /// fraction of a second, so this is how old its last audit is.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Most SKUs, holds or rows that are compared in a second. Keeps a large shop's audit below a twentieth of what
    /// Redis can do: a SKU costs it some 4 µs, a hold some 10. A cycle reads SKUs twice, as PostgreSQL lists them and
    /// as Redis does: a million take seven minutes at the least, and longer where <see cref="Share"/> is what slows it.
    /// </summary>
    [Range(100, 1_000_000)]
    public int ItemsPerSecond { get; init; } = 5_000;

    /// <summary>
    /// Most of the time that a cycle is at work; it rests for the others. A page takes the longer the more the machine
    /// has to do, and the rest grows with it, so that the audit steps back by itself: what it takes of this process,
    /// PostgreSQL and Redis together stays about this share of one core. Who asks for a run doesn't wait for rests.
    /// </summary>
    [Range(0.01, 1)]
    public double Share { get; init; } = 0.1;

    /// <summary>Items read and compared together. Bounds memory, whatever the size of the shop.</summary>
    [Range(10, 5_000)]
    public int PageSize { get; init; } = 500;

    /// <summary>
    /// How long a difference may be one of time: change capture or the materializer is on its way. What has lasted for
    /// longer, without anything having moved, is drift.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:05:00")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Whether cycles repair what is provably safe to repair. A run that an operator asks for repairs or doesn't, as
    /// it says.
    /// </summary>
    public bool AutomaticRepair { get; init; } = true;

    /// <summary>How long a finding is remembered after it is gone.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan KeepFindings { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How many runs are remembered.</summary>
    [Range(1, 10_000)]
    public int KeepRuns { get; init; } = 100;
}
