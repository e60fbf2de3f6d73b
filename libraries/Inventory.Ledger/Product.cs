using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>A product and its limits.</summary>
public sealed class Product
{
    /// <summary>
    /// Maximum length of a name. Names are for people, and short names keep a page of products small.
    /// </summary>
    public const int MaxNameLength = 256;

    /// <summary>The key; see <see cref="Contracts.Names.IsSku"/>.</summary>
    public required string SkuId { get; init; }

    /// <summary>The name for people, 1 to <see cref="MaxNameLength"/> characters.</summary>
    public required string Name { get; set; }

    /// <summary>Maximum units that one customer may hold and buy in total, 1 or more; null for no limit.</summary>
    public int? MaxPerCustomer { get; set; }

    /// <summary>Whether the product is paused: no new holds.</summary>
    public bool Paused { get; set; }

    /// <summary>When the row was written first, by the database's clock.</summary>
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>When the row was last written, by the database's clock; a trigger sets it.</summary>
    public DateTimeOffset UpdatedAt { get; private init; }
}

internal sealed class ProductTable : IEntityTypeConfiguration<Product>
{
    public void Configure(EntityTypeBuilder<Product> builder)
    {
        builder.ToTable("products", table =>
        {
            table.HasCheckConstraint("ck_products_sku_id", "is_sku(sku_id)");
            table.HasCheckConstraint("ck_products_name", $"char_length(name) BETWEEN 1 AND {Product.MaxNameLength}");
            table.HasCheckConstraint("ck_products_max_per_customer", "max_per_customer > 0");
        });
        builder.HasKey(product => product.SkuId);
        builder.Property(product => product.SkuId).IsSku();
        builder.Property(product => product.Paused).HasDefaultValue(false);
        builder.Property(product => product.CreatedAt).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
        builder.Property(product => product.UpdatedAt).HasDefaultValueSql("now()").ValueGeneratedOnAddOrUpdate();
    }
}
