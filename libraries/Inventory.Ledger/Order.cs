using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>The state of an order.</summary>
public enum OrderStatus
{
    /// <summary>
    /// Its payment is known, and it is not decided yet whether there will be an order. This state is shown, but never
    /// stored: an order is written together with the sale of its units.
    /// </summary>
    Pending,

    /// <summary>Its units are sold.</summary>
    Confirmed,

    /// <summary>Its units have been returned to stock.</summary>
    Cancelled,
}

/// <summary>The order that a confirmed reservation became.</summary>
public sealed class Order
{
    /// <summary>The key, ascending with time: a UUID of version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The reservation. A unique index prevents two orders of one reservation.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The holder in the form that Redis stores: a prefix, a colon and the id.</summary>
    public required string Holder { get; init; }

    /// <summary>The holder's id without the prefix.</summary>
    public required string CustomerId { get; init; }

    /// <summary>The state.</summary>
    public required OrderStatus Status { get; set; }

    /// <summary>The provider's payment id; null when the confirm had none.</summary>
    public string? PaymentId { get; set; }

    /// <summary>When the row was written, by the database's clock.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its units were sold, by the database's clock.</summary>
    public DateTimeOffset? ConfirmedAt { get; set; }

    /// <summary>When its units were returned to stock, by the database's clock.</summary>
    public DateTimeOffset? CancelledAt { get; set; }

    /// <summary>The items, each SKU once.</summary>
    public List<OrderItem> Items { get; init; } = [];
}

internal sealed class OrderTable : IEntityTypeConfiguration<Order>
{
    public void Configure(EntityTypeBuilder<Order> builder)
    {
        builder.ToTable("orders", table =>
            table.HasCheckConstraint("ck_orders_status", "status IN ('PENDING', 'CONFIRMED', 'CANCELLED')"));
        builder.HasKey(order => order.Id);
        builder.Property(order => order.Id).ValueGeneratedNever();
        builder.HasIndex(order => order.ReservationId).IsUnique();
        builder.HasIndex(order => new { order.CustomerId, order.CreatedAt });
        builder.Property(order => order.Status).HasConversion(
            status => status.ToString().ToUpperInvariant(), text => Enum.Parse<OrderStatus>(text, true));
        builder.Property(order => order.CreatedAt).HasDefaultValueSql("now()").ValueGeneratedOnAdd();
        builder.HasMany(order => order.Items).WithOne().HasForeignKey(item => item.OrderId)
            .OnDelete(DeleteBehavior.Restrict);
    }
}
