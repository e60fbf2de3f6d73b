using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.Settlement;

/// <summary>Whether a reservation has become an order. Positive: it has.</summary>
public enum OrderOutcome
{
    /// <summary>The reservation has become an order now.</summary>
    Confirmed = 1,

    /// <summary>It had become one before; nothing changed. The order may have been cancelled since.</summary>
    AlreadyConfirmed = 2,

    /// <summary>No such reservation, or too long ago.</summary>
    NotFound = -1,

    /// <summary>The reservation has ended without an order; the answer says how.</summary>
    Ended = -2,

    /// <summary>Each attempt was given up by others before it came to a decision. The hold stays.</summary>
    Confirming = -3,

    /// <summary>The total of a SKU is lower than what is held of it. The hold stays.</summary>
    NotCovered = -4,

    /// <summary>An earlier reservation of this id has become an order. The hold stays.</summary>
    IdUsedBefore = -5,

    /// <summary>It has been decided that this payment is given back, so it buys nothing any more.</summary>
    RefundRequired = -6,

    /// <summary>Redis is not trusted: nothing is sold until its data has been checked.</summary>
    Fenced = -9,
}

/// <summary>What <see cref="Confirmer.ConfirmAsync"/> answers.</summary>
/// <param name="Outcome">What was decided.</param>
/// <param name="Order">The order that there is now; null when refused.</param>
/// <param name="Reservation">The reservation as it is, for refusals that are about its state.</param>
/// <param name="Sku">For <see cref="OrderOutcome.NotCovered"/>: the first SKU that is short.</param>
public sealed record OrderAnswer(
    OrderOutcome Outcome, Order? Order = null, Reservation? Reservation = null, string? Sku = null)
{
    /// <summary>Whether the deadline had passed when the hold was pinned for this order.</summary>
    public bool Late { get; init; }
}
