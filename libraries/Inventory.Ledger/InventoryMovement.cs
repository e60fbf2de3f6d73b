using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>One change of a total, with its reason and the total after it. Rows are only ever added.</summary>
public sealed class InventoryMovement
{
    /// <summary>The reason of a movement that an order made.</summary>
    public const string Sold = "sold";

    /// <summary>The reason of a movement that records an audit's repair.</summary>
    public const string Repair = "repair";

    /// <summary>
    /// The reason of a movement that an audit adds when a total was changed without one, as plain SQL from an ERP does.
    /// </summary>
    public const string External = "external";

    /// <summary>Maximum length of a reason: a word or two by which reports group.</summary>
    public const int MaxReasonLength = 64;

    /// <summary>Maximum length of a reference: the name of something in another system.</summary>
    public const int MaxReferenceLength = 256;

    /// <summary>The key. It ascends with time, except for overlapping transactions.</summary>
    public long Id { get; private init; }

    /// <summary>The SKU with the changed total.</summary>
    public required string SkuId { get; init; }

    /// <summary>
    /// Units added, or removed when below 0. It is 0 only for a repair that left the total unchanged.
    /// </summary>
    public required int Quantity { get; init; }

    /// <summary>The reason, 1 to <see cref="MaxReasonLength"/> characters.</summary>
    public required string Reason { get; init; }

    /// <summary>The cause in another system, 1 to <see cref="MaxReferenceLength"/> characters.</summary>
    public required string Reference { get; init; }

    /// <summary>The total after this movement.</summary>
    public required int TotalAfter { get; init; }

    /// <summary>
    /// The version after the update. Orders that were confirmed together share one, and differ in
    /// <see cref="TotalAfter"/>.
    /// </summary>
    public required long VersionAfter { get; init; }

    /// <summary>The order that sold or returned the units; null for any other movement.</summary>
    public Guid? OrderId { get; init; }

    /// <summary>When it was written, by the database's clock.</summary>
    public DateTimeOffset At { get; private init; }
}

/// <remarks>By design: no foreign keys, for the reason that <see cref="OrderItemTable"/> gives.</remarks>
internal sealed class InventoryMovementTable : IEntityTypeConfiguration<InventoryMovement>
{
    public void Configure(EntityTypeBuilder<InventoryMovement> builder)
    {
        builder.ToTable("inventory_movements", table =>
        {
            table.HasCheckConstraint(
                "ck_inventory_movements_quantity", $"quantity <> 0 OR reason = '{InventoryMovement.Repair}'");
            table.HasCheckConstraint("ck_inventory_movements_total_after", "total_after >= 0");
            table.HasCheckConstraint(
                "ck_inventory_movements_reason",
                $"char_length(reason) BETWEEN 1 AND {InventoryMovement.MaxReasonLength}");
            table.HasCheckConstraint(
                "ck_inventory_movements_reference",
                $"char_length(reference) BETWEEN 1 AND {InventoryMovement.MaxReferenceLength}");
        });
        builder.HasKey(movement => movement.Id);
        builder.Property(movement => movement.Id).UseIdentityAlwaysColumn();
        builder.Property(movement => movement.SkuId).IsSku();
        builder.Property(movement => movement.At).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
        builder.HasIndex(movement => new { movement.SkuId, movement.Id });
    }
}
