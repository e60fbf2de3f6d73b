using System.ComponentModel.DataAnnotations;

namespace Inventory.ReconciliationWorker.Retention;

/// <summary>How long rows of no more use are kept. Section <c>Retention</c>.</summary>
/// <remarks>
/// By design: no setting for orders, their payments, refunds and movements. They are the shop's accounts, limits count
/// what they say was bought, and a payment that comes twice is recognized by them.
/// </remarks>
public sealed class RetentionOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Retention";

    /// <summary>
    /// How long an ended reservation is kept, with its events. Until then a late payment can still buy its units.
    /// Longer than Redis may remember how it ended, which is 30 days at most.
    /// </summary>
    [Range(typeof(TimeSpan), "31.00:00:00", "3650.00:00:00")]
    public TimeSpan Reservations { get; init; } = TimeSpan.FromDays(90);

    /// <summary>
    /// How long a payment event is kept that bought nothing, and a message about a conflict of events after it was
    /// sent. More than a year: the time in which a payer may dispute a payment.
    /// </summary>
    [Range(typeof(TimeSpan), "31.00:00:00", "3650.00:00:00")]
    public TimeSpan Payments { get; init; } = TimeSpan.FromDays(400);

    /// <summary>How long a dead letter is kept after it was resolved. An open one is never deleted.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan DeadLetters { get; init; } = TimeSpan.FromDays(90);

    /// <summary>
    /// An existing folder into which rows are written before they are deleted; empty for none. By design: a missing
    /// folder is not created, because it may be the place of a volume that isn't mounted.
    /// </summary>
    public string ArchiveFolder { get; init; } = "";

    /// <summary>
    /// Largest share of the time in which rows are read, archived and deleted; the job rests in between. At a tenth it
    /// deletes some millions of reservations an hour.
    /// </summary>
    [Range(0.01, 1)]
    public double Share { get; init; } = 0.1;
}
