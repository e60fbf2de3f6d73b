using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>
/// An event from a payment provider. It is stored before it takes effect, so that a repeated or delayed event takes
/// effect once.
/// </summary>
public sealed class PaymentEvent
{
    /// <summary>The type of an event about an approved payment.</summary>
    public const string Approved = "payment.approved";

    /// <summary>The type of an event about a failed payment.</summary>
    public const string Failed = "payment.failed";

    /// <summary>Outcome: the reservation is an order, and this is its payment.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>Outcome: as <see cref="Confirmed"/>, but the hold was already due.</summary>
    public const string Revived = "revived";

    /// <summary>Outcome: the payment buys nothing and has to be refunded.</summary>
    public const string RefundRequired = "refund-required";

    /// <summary>
    /// Outcome: the event changes neither orders nor stock. After a failed payment, the hold stays until its deadline;
    /// a <see cref="Reversal"/> is shown on the order.
    /// </summary>
    public const string Noted = "noted";

    /// <summary>
    /// The largest amount, in minor units: the largest integer that every JSON reader understands exactly.
    /// </summary>
    public const long LargestAmount = (1L << 53) - 1;

    /// <summary>The provider's event id; an event with a known id changes nothing.</summary>
    public required string EventId { get; init; }

    /// <summary>The provider's event type.</summary>
    public required string Type { get; init; }

    /// <summary>The reservation that the payment is for.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The provider's payment id.</summary>
    public required string PaymentId { get; init; }

    /// <summary>When it happened, by the provider's clock.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>When the row was written, by the database's clock.</summary>
    public DateTimeOffset ReceivedAt { get; private init; }

    /// <summary>The complete request body.</summary>
    public required string Body { get; init; }

    /// <summary>The W3C trace context of the request, if it was traced.</summary>
    public string? Trace { get; init; }

    /// <summary>Failed attempts to settle it while both stores answered.</summary>
    public int Attempts { get; private init; }

    /// <summary>The time of the next attempt, by the database's clock.</summary>
    public DateTimeOffset NextAttemptAt { get; private init; }

    /// <summary>The outcome; null while <see cref="ProcessedAt"/> is null.</summary>
    public string? Outcome { get; set; }

    /// <summary>When it was settled; null until then.</summary>
    public DateTimeOffset? ProcessedAt { get; set; }
}

internal sealed class PaymentEventTable : IEntityTypeConfiguration<PaymentEvent>
{
    public void Configure(EntityTypeBuilder<PaymentEvent> builder)
    {
        builder.ToTable("payment_events", table =>
        {
            table.HasCheckConstraint("ck_payment_events_processed", "(outcome IS NULL) = (processed_at IS NULL)");
            table.HasCheckConstraint("ck_payment_events_attempts", "attempts >= 0");
        });
        builder.HasKey(entry => entry.EventId);
        builder.Property(entry => entry.Body).HasColumnType("jsonb");
        builder.Property(entry => entry.ReceivedAt).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
        builder.Property(entry => entry.Attempts).HasDefaultValue(0);
        builder.Property(entry => entry.NextAttemptAt).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
        builder.HasIndex(entry => entry.NextAttemptAt).HasFilter("processed_at IS NULL");
        builder.HasIndex(entry => entry.ReservationId);
    }
}
