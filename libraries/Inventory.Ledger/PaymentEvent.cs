using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>What a payment provider told us. Stored first, so that no repetition or delay takes effect twice.</summary>
public sealed class PaymentEvent
{
    /// <summary>The type of an event that says that a payment has come.</summary>
    public const string Approved = "payment.approved";

    /// <summary>The type of an event that says that a payment has failed.</summary>
    public const string Failed = "payment.failed";

    /// <summary>An outcome: the reservation is an order, and this is its payment.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>An outcome: as <see cref="Confirmed"/>, though the hold was due already.</summary>
    public const string Revived = "revived";

    /// <summary>An outcome: the payment buys nothing and has to be given back.</summary>
    public const string RefundRequired = "refund-required";

    /// <summary>An outcome: the event changes nothing. A failed payment leaves the hold until its deadline.</summary>
    public const string Noted = "noted";

    /// <summary>The provider's name for the event: one that comes again changes nothing.</summary>
    public required string EventId { get; init; }

    /// <summary>What happened, as the provider calls it.</summary>
    public required string Type { get; init; }

    /// <summary>The reservation that was paid for, or not.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The provider's name for the payment.</summary>
    public required string PaymentId { get; init; }

    /// <summary>When it happened, by the provider's clock.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>When the row was written, by the database's clock.</summary>
    public DateTimeOffset ReceivedAt { get; private init; }

    /// <summary>What was received, whole.</summary>
    public required string Body { get; init; }

    /// <summary>The W3C trace context of the request that brought it, where it was traced.</summary>
    public string? Trace { get; init; }

    /// <summary>Attempts to settle it that came to nothing although both stores answered.</summary>
    public int Attempts { get; private init; }

    /// <summary>Not before then is it tried again, by the database's clock.</summary>
    public DateTimeOffset NextAttemptAt { get; private init; }

    /// <summary>What came of it; null while <see cref="ProcessedAt"/> is.</summary>
    public string? Outcome { get; set; }

    /// <summary>When it took effect; null until then.</summary>
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
