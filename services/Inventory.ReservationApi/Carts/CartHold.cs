using System.Text.Json.Serialization;
using Inventory.ReservationApi.Reservations;
using Inventory.Stock;

namespace Inventory.ReservationApi.Carts;

/// <summary>What a cart holds of one SKU.</summary>
public sealed record CartHold
{
    internal CartHold(Reservation reservation, string sku, DateTimeOffset now, int? remaining)
    {
        ReservationId = reservation.Id;
        CartId = reservation.Holder.Id;
        Sku = sku;
        Quantity = reservation.Lines.First(line => line.Sku == sku).Quantity;
        Status = reservation.Status.Word();
        ExpiresAt = reservation.ExpiresAt.UtcDateTime;
        ExpiresInSeconds = reservation.SecondsLeft(now);
        Remaining = remaining;
    }

    /// <summary>The hold's id, good for /api/reservations/{id} as well.</summary>
    [JsonPropertyName("reservation_id")] public Guid ReservationId { get; }

    /// <summary>The cart.</summary>
    /// <example>cart-abc</example>
    [JsonPropertyName("cart_id")] public string CartId { get; }

    /// <summary>The SKU.</summary>
    /// <example>sku-123</example>
    [JsonPropertyName("sku")] public string Sku { get; }

    /// <summary>Units held.</summary>
    /// <example>2</example>
    [JsonPropertyName("qty")] public int Quantity { get; }

    /// <inheritdoc cref="ReservationView.Status"/>
    /// <example>pending</example>
    [JsonPropertyName("status")] public string Status { get; }

    /// <summary>When the hold ends by itself, UTC.</summary>
    [JsonPropertyName("expires_at")] public DateTime ExpiresAt { get; }

    /// <summary>Whole seconds from the decision until then; 0 when the hold has ended.</summary>
    /// <example>120</example>
    [JsonPropertyName("expires_in_seconds")] public int ExpiresInSeconds { get; }

    /// <summary>Units left beside the hold; in answers to reserve only.</summary>
    [JsonPropertyName("remaining")] public int? Remaining { get; }
}
