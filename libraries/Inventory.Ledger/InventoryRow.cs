using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>Units of one SKU. Every change of a row reaches Redis, as the total and the version it then has.</summary>
public sealed class InventoryRow
{
    /// <summary>The key: the product that the units are of.</summary>
    public required string SkuId { get; init; }

    /// <summary>Units owned and not yet sold, those on hold among them; 0 or more.</summary>
    public required int Total { get; set; }

    /// <summary>
    /// 1 at first, one more with every update, set by the database alone. A save that read an older version changes
    /// nothing and throws <see cref="DbUpdateConcurrencyException"/>.
    /// </summary>
    /// <remarks>
    /// Saving a product's limit raises it as well. Changing both in one transaction takes two saves, the row's first.
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
