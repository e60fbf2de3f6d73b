using Inventory.Stock;

namespace Inventory.ReservationApi.Reservations;

/// <summary>A reservation as clients see it.</summary>
public record ReservationView
{
    internal ReservationView(Reservation reservation, DateTimeOffset now)
    {
        ReservationId = reservation.Id;
        (CustomerId, CartId) = reservation.Holder.Names();
        Status = reservation.Status.Word();
        ExpiresAt = reservation.ExpiresAt.UtcDateTime;
        ExpiresInSeconds = reservation.SecondsLeft(now);
        Items = [.. reservation.Lines.Select(line => new ItemView(line.Sku, line.Quantity))];
    }

    /// <summary>Its id, chosen by the client or by the server.</summary>
    /// <example>019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10</example>
    public Guid ReservationId { get; }

    /// <summary>The customer who holds it; absent for a cart without a shopper.</summary>
    /// <example>user-1</example>
    public string? CustomerId { get; }

    /// <summary>The cart that holds it, for holds made through the cart interface.</summary>
    public string? CartId { get; }

    /// <summary>pending, confirming, confirmed, released or expired. The last three are final.</summary>
    /// <example>pending</example>
    public string Status { get; }

    // A DateTime, because JSON then has the short form with Z.
    /// <summary>When a pending hold ends by itself, UTC.</summary>
    /// <example>2026-11-21T12:10:00Z</example>
    public DateTime ExpiresAt { get; }

    /// <summary>Whole seconds from the decision until then; 0 when the reservation has ended.</summary>
    /// <example>600</example>
    public int ExpiresInSeconds { get; }

    /// <summary>What is held, one line per SKU.</summary>
    public IReadOnlyList<ItemView> Items { get; }
}

/// <summary>One line of a reservation.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Quantity">Units of it.</param>
public sealed record ItemView(string Sku, int Quantity);

/// <summary>How reservations are shown to clients of either interface.</summary>
internal static class ReservationWords
{
    /// <summary>The customer and the cart behind a holder; a cart of a shopper's session has both.</summary>
    internal static (string? CustomerId, string? CartId) Names(this Holder holder)
    {
        var owner = holder.Owner;
        return (owner.IsCart ? null : owner.Id, holder.IsCart ? holder.Id : null);
    }

    /// <summary>
    /// Whole seconds left at <paramref name="now"/>, rounded down so that a client never counts on time that it doesn't
    /// have.
    /// </summary>
    internal static int SecondsLeft(this Reservation reservation, DateTimeOffset now)
    {
        var active = reservation.Status is ReservationStatus.Pending or ReservationStatus.Confirming;
        return active ? (int)Math.Clamp((reservation.ExpiresAt - now).TotalSeconds, 0, int.MaxValue) : 0;
    }
}
