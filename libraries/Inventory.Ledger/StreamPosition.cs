using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>
/// The position up to which one partition's events are stored, written in the transaction that stores them.
/// </summary>
public sealed class StreamPosition
{
    /// <summary>The partition's index.</summary>
    public required int Partition { get; init; }

    /// <summary>The last stored event.</summary>
    public required string StreamId { get; set; }

    /// <summary>The epoch of Redis' data that the id belongs to; null before the first one is known.</summary>
    public string? Epoch { get; set; }

    /// <summary>When the row was last written, by the database's clock.</summary>
    public DateTimeOffset UpdatedAt { get; set; }
}

internal sealed class StreamPositionTable : IEntityTypeConfiguration<StreamPosition>
{
    public void Configure(EntityTypeBuilder<StreamPosition> builder)
    {
        builder.ToTable("stream_positions");
        builder.HasKey(position => position.Partition);
        builder.Property(position => position.Partition).ValueGeneratedNever();
        builder.Property(position => position.UpdatedAt).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
    }
}
