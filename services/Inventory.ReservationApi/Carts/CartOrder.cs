using System.Text.Json.Serialization;
using Inventory.Ledger;
using Inventory.ReservationApi.Confirmation;

namespace Inventory.ReservationApi.Carts;

/// <summary>What a cart has bought of one SKU.</summary>
public sealed record CartOrder
{
    internal CartOrder(Order order, string cartId, string sku)
    {
        var view = new OrderView(order);
        OrderId = order.Id;
        ReservationId = order.ReservationId;
        CartId = cartId;
        Sku = sku;
        Quantity = order.Items.First(item => item.SkuId == sku).Quantity;
        Status = view.Status;
        CreatedAt = view.CreatedAt;
    }

    /// <summary>The order's id, good for /api/orders/{id}.</summary>
    [JsonPropertyName("order_id")] public Guid OrderId { get; }

    /// <summary>The hold that became this order.</summary>
    [JsonPropertyName("reservation_id")] public Guid ReservationId { get; }

    /// <summary>The cart.</summary>
    /// <example>cart-abc</example>
    [JsonPropertyName("cart_id")] public string CartId { get; }

    /// <summary>The SKU.</summary>
    /// <example>sku-123</example>
    [JsonPropertyName("sku")] public string Sku { get; }

    /// <summary>Units bought.</summary>
    /// <example>2</example>
    [JsonPropertyName("qty")] public int Quantity { get; }

    /// <inheritdoc cref="OrderView.Status"/>
    /// <example>confirmed</example>
    [JsonPropertyName("status")] public string Status { get; }

    /// <summary>When it was written, UTC.</summary>
    [JsonPropertyName("created_at")] public DateTime CreatedAt { get; }
}
