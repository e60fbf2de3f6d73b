using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>An idempotency key and the adjustment that it stands for, written in the same transaction.</summary>
/// <remarks>Absent: forgetting. Adjustments are made by people and deliveries, and a row has some 100 bytes.</remarks>
public sealed class AdjustmentKey
{
    /// <summary>The caller's key, as a digest that contains the caller.</summary>
    public required string Key { get; init; }

    /// <summary>A digest of the request that the key came with first.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>What the request did.</summary>
    public required long MovementId { get; init; }
}

/// <remarks>Absent: a foreign key. Movements are only ever added, so none can go missing.</remarks>
internal sealed class AdjustmentKeyTable : IEntityTypeConfiguration<AdjustmentKey>
{
    public void Configure(EntityTypeBuilder<AdjustmentKey> builder)
    {
        builder.ToTable("adjustment_keys");
        builder.HasKey(key => key.Key);
    }
}
