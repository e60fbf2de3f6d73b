using Inventory.Contracts;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>
/// One partition's part of a reservation, in the state after its last event. Redis decides, and this row is a copy.
/// </summary>
public sealed class ReservationRow
{
    /// <summary>The reservation.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>
    /// The partition's index. A reservation over several partitions has one row and one event count for each.
    /// </summary>
    public required int Partition { get; init; }

    /// <summary>The holder in the form that Redis stores.</summary>
    public required string Holder { get; init; }

    /// <summary>One of <see cref="ReservationStatusNames"/>.</summary>
    public required string Status { get; set; }

    /// <summary>The deadline, by Redis' clock.</summary>
    public required DateTimeOffset Deadline { get; set; }

    /// <summary>A JSON array of the lines, each with a SKU and a quantity.</summary>
    public required string Lines { get; set; }

    /// <summary>The number of this part's events. A row never returns to a lower one.</summary>
    public required int Sequence { get; set; }

    /// <summary>When the hold began, by Redis' clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its last event happened, by Redis' clock.</summary>
    public required DateTimeOffset UpdatedAt { get; set; }
}

internal sealed class ReservationTable : IEntityTypeConfiguration<ReservationRow>
{
    public void Configure(EntityTypeBuilder<ReservationRow> builder)
    {
        builder.ToTable("reservations");
        builder.HasKey(row => new { row.ReservationId, row.Partition });
        builder.Property(row => row.Lines).HasColumnType("jsonb");
        // A rebuild of Redis reads the few pending rows among all rows.
        builder.HasIndex(row => row.Deadline).HasFilter($"status = '{ReservationStatusNames.Pending}'");
    }
}
