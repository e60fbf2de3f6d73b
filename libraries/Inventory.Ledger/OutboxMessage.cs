using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>Something that others have to be told, written in the transaction that makes it true.</summary>
public sealed class OutboxMessage
{
    /// <summary>The key; messages are sent in its order.</summary>
    public long Id { get; private init; }

    /// <summary>What it is about, such as <c>refund_required</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What makes it one message, however often it is written: a second one of this key is refused.</summary>
    public required string Key { get; init; }

    /// <summary>What to tell, as JSON.</summary>
    public required string Payload { get; init; }

    /// <summary>When the row was written, by the database's clock.</summary>
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>When it was sent; null until then.</summary>
    public DateTimeOffset? SentAt { get; set; }
}

internal sealed class OutboxTable : IEntityTypeConfiguration<OutboxMessage>
{
    public void Configure(EntityTypeBuilder<OutboxMessage> builder)
    {
        builder.ToTable("outbox");
        builder.HasKey(message => message.Id);
        builder.Property(message => message.Id).UseIdentityAlwaysColumn();
        builder.Property(message => message.Payload).HasColumnType("jsonb");
        builder.Property(message => message.CreatedAt).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
        builder.HasIndex(message => message.Key).IsUnique();
        builder.HasIndex(message => message.Id).HasFilter("sent_at IS NULL");
    }
}
