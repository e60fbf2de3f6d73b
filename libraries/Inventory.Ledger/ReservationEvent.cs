using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>One event of a reservation. Rows are only ever added.</summary>
/// <remarks>
/// By design: events about stock are not stored. A change of a total starts in this database, and its movements record
/// it; the event stream only repeats it for consumers of Redis.
/// </remarks>
public sealed class ReservationEvent
{
    /// <summary>The reservation.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The partition's index.</summary>
    public required int Partition { get; init; }

    /// <summary>1, 2, 3 … within one reservation and partition, without gaps.</summary>
    public required int Sequence { get; init; }

    /// <summary>The event's type in the stream.</summary>
    public required string Type { get; init; }

    /// <summary>The holder in the form that Redis stores.</summary>
    public required string Holder { get; init; }

    /// <summary>The reservation's deadline after the event, by Redis' clock.</summary>
    public required DateTimeOffset Deadline { get; init; }

    /// <summary>A JSON array of the lines after the event, each with a SKU and a quantity.</summary>
    public required string Lines { get; init; }

    /// <summary>Its position in the partition's stream.</summary>
    public required string StreamId { get; init; }

    /// <summary>When it happened, by Redis' clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The W3C trace context of the request that caused it; null if it wasn't traced.</summary>
    public string? Trace { get; init; }
}

internal sealed class ReservationEventTable : IEntityTypeConfiguration<ReservationEvent>
{
    public void Configure(EntityTypeBuilder<ReservationEvent> builder)
    {
        builder.ToTable("reservation_events");
        builder.HasKey(entry => new { entry.ReservationId, entry.Partition, entry.Sequence });
        builder.Property(entry => entry.Lines).HasColumnType("jsonb");
    }
}
