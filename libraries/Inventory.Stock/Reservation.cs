using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>Units of one SKU that can still be held.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Requested">The requested units.</param>
/// <param name="Available">Units that are not held; 0 when the SKU's total is below its held units.</param>
public readonly record struct LineAvailability(string Sku, int Requested, int Available);

/// <summary>The state of a reservation. It ends exactly once.</summary>
public enum ReservationStatus
{
    /// <summary>Held until its deadline.</summary>
    Pending,

    /// <summary>Being turned into an order: out of reach of expiry and release.</summary>
    Confirming,

    /// <summary>Ended: an order.</summary>
    Confirmed,

    /// <summary>Ended: its holder released it.</summary>
    Released,

    /// <summary>Ended: its deadline passed.</summary>
    Expired,
}

/// <summary>The names of states in answers.</summary>
public static class ReservationStatusWords
{
    /// <summary>The state's name; see <see cref="ReservationStatusNames"/>.</summary>
    public static string Word(this ReservationStatus status) => status switch
    {
        ReservationStatus.Pending => ReservationStatusNames.Pending,
        ReservationStatus.Confirming => ReservationStatusNames.Confirming,
        ReservationStatus.Confirmed => ReservationStatusNames.Confirmed,
        ReservationStatus.Released => ReservationStatusNames.Released,
        ReservationStatus.Expired => ReservationStatusNames.Expired,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "No word for this status."),
    };
}

/// <summary>One holder's lines, held together, all or nothing, until a deadline.</summary>
public sealed record Reservation(
    Guid Id,
    ReservationStatus Status,
    Holder Holder,
    IReadOnlyList<Line> Lines,
    DateTimeOffset ExpiresAt);
