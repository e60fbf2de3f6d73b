using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>
/// An event that could not be stored. It is kept for an operator, so that later events can be stored.
/// </summary>
public sealed class DeadLetter
{
    /// <summary>The key.</summary>
    public long Id { get; private init; }

    /// <summary>The partition's index.</summary>
    public required int Partition { get; init; }

    /// <summary>Its position in the partition's stream; at most one dead letter for each.</summary>
    public required string StreamId { get; init; }

    /// <summary>The event, field by field, as a JSON object.</summary>
    public required string Payload { get; init; }

    /// <summary>The error of the last attempt.</summary>
    public required string Error { get; set; }

    /// <summary>Attempts so far, 1 or more.</summary>
    public required int Attempts { get; set; }

    /// <summary>When the first attempt failed.</summary>
    public required DateTimeOffset FirstAt { get; init; }

    /// <summary>When the last attempt failed.</summary>
    public required DateTimeOffset LastAt { get; set; }

    /// <summary>When a replay succeeded, or an operator closed the dead letter; null until then.</summary>
    public DateTimeOffset? ResolvedAt { get; set; }
}

internal sealed class DeadLetterTable : IEntityTypeConfiguration<DeadLetter>
{
    public void Configure(EntityTypeBuilder<DeadLetter> builder)
    {
        builder.ToTable("dead_letters", table => table.HasCheckConstraint("ck_dead_letters_attempts", "attempts > 0"));
        builder.HasKey(letter => letter.Id);
        builder.Property(letter => letter.Id).UseIdentityAlwaysColumn();
        builder.Property(letter => letter.Payload).HasColumnType("jsonb");
        builder.HasIndex(letter => new { letter.Partition, letter.StreamId }).IsUnique();
        builder.HasIndex(letter => letter.FirstAt).HasFilter("resolved_at IS NULL");
    }
}
