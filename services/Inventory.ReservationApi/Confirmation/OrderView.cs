using Inventory.Ledger;
using Inventory.ReservationApi.Reservations;
using Inventory.Stock;

namespace Inventory.ReservationApi.Confirmation;

/// <summary>An order as clients see it.</summary>
public sealed record OrderView
{
    /// <param name="order">The order.</param>
    /// <param name="reversals">Its refunds and disputes; null leaves them out.</param>
    internal OrderView(Order order, Reversals? reversals = null)
    {
        OrderId = order.Id;
        ReservationId = order.ReservationId;
        (CustomerId, CartId) = Holder.Parse(order.Holder).Names();
        Status = WordOf(order.Status);
        PaymentId = order.PaymentId;
        CreatedAt = order.CreatedAt.UtcDateTime;
        Items = [.. order.Items.Select(item => new ItemView(item.SkuId, item.Quantity))];
        if (reversals is null) return;
        Refunds = ReversalView.ListOf(reversals, ReversalKind.Refund);
        Disputes = ReversalView.ListOf(reversals, ReversalKind.Dispute);
        Refunded = RefundedView.ListOf(reversals);
        RefundsRequired = RequiredRefundView.ListOf(reversals);
    }

    /// <summary>For a payment that is known, before its order is decided.</summary>
    internal OrderView(UnsettledPayment payment)
    {
        ReservationId = payment.ReservationId;
        if (payment.Holder is { } holder) (CustomerId, CartId) = Holder.Parse(holder).Names();
        Status = WordOf(OrderStatus.Pending);
        PaymentId = payment.PaymentId;
        CreatedAt = payment.Since.UtcDateTime;
        Items = [.. payment.Lines.Select(line => new ItemView(line.Sku, line.Quantity))];
    }

    /// <summary>The order's id; absent while it is pending.</summary>
    /// <example>019aa4f1-0b1c-7d20-8e44-6b2f9a7c5d31</example>
    public Guid? OrderId { get; }

    /// <summary>The reservation that became this order.</summary>
    public Guid ReservationId { get; }

    /// <summary>The customer who bought; absent for a cart without a shopper, and while items is empty.</summary>
    /// <example>user-1</example>
    public string? CustomerId { get; }

    /// <summary>The cart that bought, for holds made through the cart interface.</summary>
    public string? CartId { get; }

    /// <summary>confirmed, cancelled, or pending while its payment waits for a decision.</summary>
    /// <example>confirmed</example>
    public string Status { get; }

    /// <summary>The payment, once it is known.</summary>
    /// <example>pay-1</example>
    public string? PaymentId { get; }

    /// <summary>When it was written, UTC; while pending, since when the payment is known.</summary>
    public DateTime CreatedAt { get; }

    /// <summary>
    /// What was bought, one line per SKU. While pending, what was paid for; empty until PostgreSQL has stored a new
    /// reservation.
    /// </summary>
    public IReadOnlyList<ItemView> Items { get; }

    /// <summary>
    /// The refunds that the provider has reported, of every payment of this reservation; absent without any, and in the
    /// answer to a confirm. They change neither the status nor the stock.
    /// </summary>
    public IReadOnlyList<ReversalView>? Refunds { get; }

    /// <summary>The disputes that the provider has reported, in the same way.</summary>
    public IReadOnlyList<ReversalView>? Disputes { get; }

    /// <summary>The sums of refunds, by payment and currency.</summary>
    public IReadOnlyList<RefundedView>? Refunded { get; }

    /// <summary>The refunds that the shop has to make, with what the provider has reported about them.</summary>
    public IReadOnlyList<RequiredRefundView>? RefundsRequired { get; }

    private static string WordOf(OrderStatus status) => status switch
    {
        OrderStatus.Pending => "pending",
        OrderStatus.Confirmed => "confirmed",
        OrderStatus.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "No word for this status."),
    };
}
