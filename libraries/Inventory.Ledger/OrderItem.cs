using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>One SKU of an order.</summary>
public sealed class OrderItem
{
    /// <summary>The order.</summary>
    public required Guid OrderId { get; init; }

    /// <summary>What was bought.</summary>
    public required string SkuId { get; init; }

    /// <summary>Units, 1 or more.</summary>
    public required int Quantity { get; init; }
}

/// <remarks>
/// By design: no foreign key to the inventory. A confirm has locked the SKU's row when it inserts here, such rows are
/// never removed, and the key would cost another lookup of the same row for every item.
/// </remarks>
internal sealed class OrderItemTable : IEntityTypeConfiguration<OrderItem>
{
    public void Configure(EntityTypeBuilder<OrderItem> builder)
    {
        builder.ToTable("order_items", table => table.HasCheckConstraint("ck_order_items_quantity", "quantity > 0"));
        builder.HasKey(item => new { item.OrderId, item.SkuId });
        builder.Property(item => item.SkuId).IsSku();
    }
}
