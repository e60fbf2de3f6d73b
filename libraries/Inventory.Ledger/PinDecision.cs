using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>
/// The decision about one attempt to confirm one partition's part of a reservation. The first writer of the row
/// decides: either the confirm, or a process that found the lease ended.
/// </summary>
public sealed class PinDecision
{
    /// <summary>The reservation has become an order, in the same transaction as this row.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>The attempt will never become an order, so the hold may be unpinned.</summary>
    public const string Abandoned = "abandoned";

    /// <summary>The reservation.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The partition's index.</summary>
    public required int Partition { get; init; }

    /// <summary>The attempt's number in that partition.</summary>
    public required int Pin { get; init; }

    /// <summary><see cref="Confirmed"/> or <see cref="Abandoned"/>.</summary>
    public required string Decision { get; init; }

    /// <summary>When it was decided, by the database's clock.</summary>
    public DateTimeOffset At { get; private init; }
}

internal sealed class PinDecisionTable : IEntityTypeConfiguration<PinDecision>
{
    public void Configure(EntityTypeBuilder<PinDecision> builder)
    {
        builder.ToTable("pin_decisions", table => table.HasCheckConstraint(
            "ck_pin_decisions_decision", $"decision IN ('{PinDecision.Confirmed}', '{PinDecision.Abandoned}')"));
        builder.HasKey(decision => new { decision.ReservationId, decision.Partition, decision.Pin });
        builder.Property(decision => decision.At).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
    }
}
