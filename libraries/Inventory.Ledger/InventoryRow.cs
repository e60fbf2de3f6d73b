using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>
/// The units of one SKU. Change capture sends every change of a row to Redis, as the new total and version.
/// </summary>
public sealed class InventoryRow
{
    /// <summary>The key: the product's SKU.</summary>
    public required string SkuId { get; init; }

    /// <summary>Units owned and not yet sold, including units on hold; 0 or more.</summary>
    public required int Total { get; set; }

    /// <summary>
    /// Starts at 1 and rises by one with every update, set by the database alone. A save that read an older version
    /// changes nothing and throws <see cref="DbUpdateConcurrencyException"/>.
    /// </summary>
    /// <remarks>
    /// Saving a product's limit raises it as well. A transaction that changes both needs two saves, this row first.
    /// </remarks>
    public long Version { get; private init; }
}

internal sealed class InventoryTable : IEntityTypeConfiguration<InventoryRow>
{
    public void Configure(EntityTypeBuilder<InventoryRow> builder)
    {
        builder.ToTable("inventory", table => table.HasCheckConstraint("ck_inventory_total", "total >= 0"));
        builder.HasKey(row => row.SkuId);
        builder.Property(row => row.SkuId).IsSku();
        builder.Property(row => row.Version).HasDefaultValue(1L).ValueGeneratedOnAddOrUpdate().IsConcurrencyToken();
        builder.HasOne<Product>().WithOne().HasForeignKey<InventoryRow>(row => row.SkuId)
            .OnDelete(DeleteBehavior.Restrict);
    }
}
