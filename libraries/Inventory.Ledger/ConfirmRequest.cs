namespace Inventory.Ledger;

/// <summary>A pinned reservation that is to become an order.</summary>
public sealed record ConfirmRequest
{
    /// <summary>The reservation.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The attempt in each partition where the reservation has a part, one or more.</summary>
    public required IReadOnlyList<PinnedPart> Pins { get; init; }

    /// <summary>Who holds it, as the stock engine writes it: a mark, a colon and the id.</summary>
    public required string Holder { get; init; }

    /// <summary>What is held, one or more; lines of one SKU are added up.</summary>
    public required IReadOnlyList<OrderLine> Lines { get; init; }

    /// <summary>The provider's name for the payment; null when there is none.</summary>
    public string? PaymentId { get; init; }

    /// <summary>Whether the deadline had passed when the hold was pinned: its units were still there.</summary>
    public bool Late { get; init; }
}

/// <summary>One attempt to confirm one partition's part of a reservation.</summary>
/// <param name="Partition">The partition's index.</param>
/// <param name="Number">Differs from attempt to attempt.</param>
/// <param name="Epoch">The number of the stock store's data that the attempt was made in: see Fences.</param>
public readonly record struct PinnedPart(int Partition, int Number, long Epoch = 0);

/// <summary>One SKU of a reservation.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Quantity">Units, 1 or more.</param>
public readonly record struct OrderLine(string Sku, int Quantity);

/// <summary>One SKU's units, as of one version.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Total">Units owned and not yet sold, 0 or more.</param>
/// <param name="Version">A higher one is newer.</param>
public readonly record struct SkuTotal(string Sku, int Total, long Version);

/// <summary>What became of a <see cref="ConfirmRequest"/>. Positive: there is an order.</summary>
public enum ConfirmOutcome
{
    /// <summary>The reservation has become an order now.</summary>
    Confirmed = 1,

    /// <summary>It had become one before; nothing changed.</summary>
    AlreadyConfirmed = 2,

    /// <summary>The attempt was given up before it came here. Unpin it; pinned anew, it may succeed.</summary>
    PinAbandoned = -1,

    /// <summary>A total is lower than what is held of it. The attempt is given up: unpin it.</summary>
    NotCovered = -2,

    /// <summary>
    /// An earlier reservation of this id, with another holder or other lines, has become an order. The attempt is given
    /// up: unpin it.
    /// </summary>
    IdUsedBefore = -3,

    /// <summary>
    /// The stock store has been rebuilt since the pin, which was lost or is nobody's now. Nothing was decided: pin
    /// anew, and unpin nothing, since another's attempt can have the same number.
    /// </summary>
    PinOutdated = -4,

    /// <summary>
    /// It has been decided that this payment is given back, so it buys nothing any more. The attempt is given up: unpin
    /// it.
    /// </summary>
    RefundRequired = -5,
}

/// <summary>What <see cref="Confirmations.ConfirmAsync"/> answers.</summary>
public sealed record ConfirmAnswer
{
    /// <summary>What was decided.</summary>
    public required ConfirmOutcome Outcome { get; init; }

    /// <summary>The order that there is now; null when refused.</summary>
    public Order? Order { get; init; }

    /// <summary>Its SKUs' totals, which the stock engine has to take over.</summary>
    public IReadOnlyList<SkuTotal> Totals { get; init; } = [];

    /// <summary>For <see cref="ConfirmOutcome.NotCovered"/>: the first SKU that is short.</summary>
    public string? Sku { get; init; }
}

/// <summary>What <see cref="Confirmations.AbandonAsync"/> answers.</summary>
/// <param name="Order">The order that was there first; null when the attempt is given up: unpin it.</param>
/// <param name="Totals">Its SKUs' totals, which the stock engine has to take over.</param>
public sealed record AbandonAnswer(Order? Order, IReadOnlyList<SkuTotal> Totals)
{
    /// <summary>Whether no order will ever come of the attempt.</summary>
    public bool Abandoned => Order is null;
}

/// <summary>What became of a cancellation.</summary>
public enum CancelOutcome
{
    /// <summary>The units are back.</summary>
    Cancelled = 1,

    /// <summary>They came back before; nothing changed.</summary>
    AlreadyCancelled = 2,

    /// <summary>No reservation of this id has become an order.</summary>
    NotFound = -1,
}

/// <summary>What <see cref="Confirmations.CancelOrderAsync"/> answers.</summary>
/// <param name="Outcome">What was decided.</param>
/// <param name="Order">The order as it is now; null when there is none.</param>
/// <param name="Totals">Its SKUs' totals.</param>
public sealed record CancelAnswer(CancelOutcome Outcome, Order? Order, IReadOnlyList<SkuTotal> Totals);
