namespace Inventory.Stock;

/// <summary>One SKU and how many units of it.</summary>
/// <param name="Sku">See <see cref="Names.IsSku"/>.</param>
/// <param name="Quantity">Units, 1 or more.</param>
public readonly record struct Line(string Sku, int Quantity);

/// <summary>Units of one SKU that can still be held.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Requested">Units that were asked for.</param>
/// <param name="Available">Units that nobody holds; 0 for a SKU whose total fell below what is held.</param>
public readonly record struct LineAvailability(string Sku, int Requested, int Available);

/// <summary>Where a reservation is in its life. It ends exactly once.</summary>
public enum ReservationStatus
{
    /// <summary>Held until its deadline.</summary>
    Pending,

    /// <summary>Being turned into an order: out of reach of expiry and release.</summary>
    Confirming,

    /// <summary>Ended: an order.</summary>
    Confirmed,

    /// <summary>Ended: given back by its holder.</summary>
    Released,

    /// <summary>Ended: its deadline passed.</summary>
    Expired,
}

/// <summary>One holder's lines, held together, all or nothing, until a deadline.</summary>
public sealed record Reservation(
    Guid Id,
    ReservationStatus Status,
    Holder Holder,
    IReadOnlyList<Line> Lines,
    DateTimeOffset ExpiresAt);
