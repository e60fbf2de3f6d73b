using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.Settlement;

/// <summary>Whether a reservation has become an order. Positive values: it has.</summary>
public enum OrderOutcome
{
    /// <summary>The reservation has become an order now.</summary>
    Confirmed = 1,

    /// <summary>It had already become one; nothing changed. The order may have been cancelled since.</summary>
    AlreadyConfirmed = 2,

    /// <summary>There is no such reservation, or it ended too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation has ended without an order; the answer says how.</summary>
    Ended = -2,

    /// <summary>Each attempt was abandoned before it was decided. The hold stays.</summary>
    Confirming = -3,

    /// <summary>The total of a SKU is lower than its held units. The hold stays.</summary>
    NotCovered = -4,

    /// <summary>An earlier reservation of this id has become an order. The hold stays.</summary>
    IdUsedBefore = -5,

    /// <summary>This payment has to be refunded, so it can't buy anything any more.</summary>
    RefundRequired = -6,

    /// <summary>The partition is fenced: it sells nothing until its data has been verified.</summary>
    Fenced = -9,
}

/// <summary>The result of <see cref="Confirmer.ConfirmAsync"/>.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Order">The order; null when refused.</param>
/// <param name="Reservation">The reservation's current state, for refusals that depend on it.</param>
/// <param name="Sku">For <see cref="OrderOutcome.NotCovered"/>: the first SKU that is short.</param>
public sealed record OrderAnswer(
    OrderOutcome Outcome, Order? Order = null, Reservation? Reservation = null, string? Sku = null)
{
    /// <summary>Whether the deadline had passed when the hold was pinned for this order.</summary>
    public bool Late { get; init; }
}
