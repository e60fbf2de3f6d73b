using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>
/// One partition's part of a reservation, as its last event left it. A copy: Redis decides, and this row follows.
/// </summary>
public sealed class ReservationRow
{
    /// <summary>The status of a hold that has not ended. The other statuses are types of ending events.</summary>
    public const string Pending = "pending";

    /// <summary>The reservation.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The partition's index: a reservation over several partitions has a row and a count for each.</summary>
    public required int Partition { get; init; }

    /// <summary>Who holds it, as the stock engine writes it.</summary>
    public required string Holder { get; init; }

    /// <summary><see cref="Pending"/>, or how it ended.</summary>
    public required string Status { get; set; }

    /// <summary>Until when it is held, by Redis' clock.</summary>
    public required DateTimeOffset Deadline { get; set; }

    /// <summary>A JSON array of the lines, each with a SKU and a quantity.</summary>
    public required string Lines { get; set; }

    /// <summary>Events that this part has had. A row never goes back to a lower one.</summary>
    public required int Sequence { get; set; }

    /// <summary>When it was held first, by Redis' clock.</summary>
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
        // What a rebuild of Redis reads: the few that are pending among all that ever were.
        builder.HasIndex(row => row.Deadline).HasFilter($"status = '{ReservationRow.Pending}'");
    }
}
