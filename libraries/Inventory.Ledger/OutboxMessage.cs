using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>A message for other systems, written in the transaction of its cause.</summary>
public sealed class OutboxMessage
{
    /// <summary>The key; messages are sent in its order.</summary>
    public long Id { get; private init; }

    /// <summary>The kind of message, such as <c>refund_required</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The message's unique key: a second message with the same key is refused.</summary>
    public required string Key { get; init; }

    /// <summary>The content, as JSON.</summary>
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
