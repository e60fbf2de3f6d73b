using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>An idempotency key and the adjustment that it names, written in the same transaction.</summary>
/// <remarks>
/// By design: keys are never deleted. Adjustments are made by people and deliveries, and a row has some 100 bytes.
/// </remarks>
public sealed class AdjustmentKey
{
    /// <summary>The caller's key, as a digest that contains the caller.</summary>
    public required string Key { get; init; }

    /// <summary>A digest of the first request with this key.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The movement that the request made.</summary>
    public required long MovementId { get; init; }
}

/// <remarks>By design: no foreign key. Movements are only ever added, so none can be missing.</remarks>
internal sealed class AdjustmentKeyTable : IEntityTypeConfiguration<AdjustmentKey>
{
    public void Configure(EntityTypeBuilder<AdjustmentKey> builder)
    {
        builder.ToTable("adjustment_keys");
        builder.HasKey(key => key.Key);
    }
}
