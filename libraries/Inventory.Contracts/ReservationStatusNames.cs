namespace Inventory.Contracts;

/// <summary>
/// The states of a reservation, as answers name them and as the ledger stores them. A confirming hold is stored as
/// pending.
/// </summary>
public static class ReservationStatusNames
{
    /// <summary>Held until its deadline.</summary>
    public const string Pending = "pending";

    /// <summary>Being turned into an order.</summary>
    public const string Confirming = "confirming";

    /// <summary>Ended: an order.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>Ended: its holder released it.</summary>
    public const string Released = "released";

    /// <summary>Ended: its deadline passed.</summary>
    public const string Expired = "expired";
}
