using Inventory.Contracts;

namespace Inventory.Ledger;

/// <summary>A pinned reservation to be confirmed as an order.</summary>
public sealed record ConfirmRequest
{
    /// <summary>The reservation.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The attempt in each partition of the reservation, one or more.</summary>
    public required IReadOnlyList<Lease> Pins { get; init; }

    /// <summary>The holder in the form that Redis stores: a prefix, a colon and the id.</summary>
    public required string Holder { get; init; }

    /// <summary>The held lines, one or more; lines of one SKU are added up.</summary>
    public required IReadOnlyList<Line> Lines { get; init; }

    /// <summary>The provider's payment id; null without a payment.</summary>
    public string? PaymentId { get; init; }

    /// <summary>Whether the deadline had already passed when the hold was pinned. Its units were still held.</summary>
    public bool Late { get; init; }
}

/// <summary>The outcome of a <see cref="ConfirmRequest"/>. Positive values: there is an order.</summary>
public enum ConfirmOutcome
{
    /// <summary>The reservation has become an order by this request.</summary>
    Confirmed = 1,

    /// <summary>It had already become an order; nothing changed.</summary>
    AlreadyConfirmed = 2,

    /// <summary>The attempt was already abandoned. The caller must unpin it; a new attempt may succeed.</summary>
    PinAbandoned = -1,

    /// <summary>A total is lower than its held units. The attempt is abandoned; the caller must unpin it.</summary>
    NotCovered = -2,

    /// <summary>
    /// An earlier reservation with this id, but with another holder or other lines, has become an order. The attempt is
    /// abandoned; the caller must unpin it.
    /// </summary>
    IdUsedBefore = -3,

    /// <summary>
    /// Redis has been rebuilt since the pin, which is lost or belongs to another attempt now. Nothing was decided. The
    /// caller must pin anew and must not unpin, because another attempt can have the same number.
    /// </summary>
    PinOutdated = -4,

    /// <summary>
    /// This payment has to be refunded, so it can't buy anything any more. The attempt is abandoned; the caller must
    /// unpin it.
    /// </summary>
    RefundRequired = -5,
}

/// <summary>The result of <see cref="Confirmations.ConfirmAsync"/>.</summary>
public sealed record ConfirmAnswer
{
    /// <summary>The outcome.</summary>
    public required ConfirmOutcome Outcome { get; init; }

    /// <summary>The order; null when refused.</summary>
    public Order? Order { get; init; }

    /// <summary>Its SKUs' totals, which have to be committed to Redis.</summary>
    public IReadOnlyList<SkuTotal> Totals { get; init; } = [];

    /// <summary>For <see cref="ConfirmOutcome.NotCovered"/>: the first SKU that is short.</summary>
    public string? Sku { get; init; }
}

/// <summary>The result of <see cref="Confirmations.AbandonAsync"/>.</summary>
/// <param name="Order">
/// The order, if it was written first; null when the attempt is abandoned and has to be
/// unpinned.
/// </param>
/// <param name="Totals">Its SKUs' totals, which have to be committed to Redis.</param>
public sealed record AbandonAnswer(Order? Order, IReadOnlyList<SkuTotal> Totals)
{
    /// <summary>Whether the attempt will never become an order.</summary>
    public bool Abandoned => Order is null;
}

/// <summary>The outcome of a cancellation.</summary>
public enum CancelOutcome
{
    /// <summary>The units are added back to their totals.</summary>
    Cancelled = 1,

    /// <summary>The order was already cancelled; nothing changed.</summary>
    AlreadyCancelled = 2,

    /// <summary>No reservation with this id has become an order.</summary>
    NotFound = -1,

    /// <summary>With the order's units a total would exceed its range; nothing changed.</summary>
    OutOfRange = -2,
}

/// <summary>The result of <see cref="Confirmations.CancelOrderAsync"/>.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Order">The order after the call; null when there is none.</param>
/// <param name="Totals">Its SKUs' totals.</param>
public sealed record CancelAnswer(CancelOutcome Outcome, Order? Order, IReadOnlyList<SkuTotal> Totals);
