using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>Where an order is in its life.</summary>
public enum OrderStatus
{
    /// <summary>
    /// Its payment is known, and it is not decided yet whether there will be an order. Shown, and never stored: an
    /// order is written with its units taken.
    /// </summary>
    Pending,

    /// <summary>Its units are sold.</summary>
    Confirmed,

    /// <summary>Its units have been given back.</summary>
    Cancelled,
}

/// <summary>What a reservation became when it was confirmed.</summary>
public sealed class Order
{
    /// <summary>The key, ascending with time: a UUID of version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The reservation. The database lets none become two orders.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>Who held the units, as the stock engine writes it: a mark, a colon and the id.</summary>
    public required string Holder { get; init; }

    /// <summary>The holder's id without the mark.</summary>
    public required string CustomerId { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required OrderStatus Status { get; set; }

    /// <summary>The provider's name for the payment; null when the confirm named none.</summary>
    public string? PaymentId { get; set; }

    /// <summary>When the row was written, by the database's clock.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its units were sold, by the database's clock.</summary>
    public DateTimeOffset? ConfirmedAt { get; set; }

    /// <summary>When its units were given back, by the database's clock.</summary>
    public DateTimeOffset? CancelledAt { get; set; }

    /// <summary>What was bought, each SKU once.</summary>
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
