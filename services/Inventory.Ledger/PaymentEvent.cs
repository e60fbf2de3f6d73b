using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>What a payment provider told us. Stored first, so that no repetition or delay takes effect twice.</summary>
public sealed class PaymentEvent
{
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

    /// <summary>What came of it; null while <see cref="ProcessedAt"/> is.</summary>
    public string? Outcome { get; set; }

    /// <summary>When it took effect; null until then.</summary>
    public DateTimeOffset? ProcessedAt { get; set; }
}

internal sealed class PaymentEventTable : IEntityTypeConfiguration<PaymentEvent>
{
    public void Configure(EntityTypeBuilder<PaymentEvent> builder)
    {
        builder.ToTable("payment_events", table => table.HasCheckConstraint(
            "ck_payment_events_processed", "(outcome IS NULL) = (processed_at IS NULL)"));
        builder.HasKey(entry => entry.EventId);
        builder.Property(entry => entry.Body).HasColumnType("jsonb");
        builder.Property(entry => entry.ReceivedAt).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
        builder.HasIndex(entry => entry.ReceivedAt).HasFilter("processed_at IS NULL");
        builder.HasIndex(entry => entry.ReservationId);
    }
}
