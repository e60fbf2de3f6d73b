namespace Inventory.Stock;

/// <summary>What happens when a holder asks for a SKU of which they hold an active reservation already.</summary>
public enum OnExisting
{
    /// <summary>Refuse, and name the reservation.</summary>
    Refuse,

    /// <summary>Refuse only where the SKU has no per-customer limit; where it has one, that limit decides.</summary>
    RefuseUnlessLimited,

    /// <summary>Give the old reservations back and hold the new one in the same step, or change nothing.</summary>
    Replace,

    /// <summary>Hold another one.</summary>
    Allow,
}

/// <summary>A request to hold lines together.</summary>
public sealed record ReserveRequest
{
    /// <summary>The reservation's id: the caller's own, or a fresh one.</summary>
    public required Guid Id { get; init; }

    /// <summary>Who will hold the stock.</summary>
    public required Holder Holder { get; init; }

    /// <summary>What to hold; lines of one SKU are added up.</summary>
    public required IReadOnlyList<Line> Lines { get; init; }

    /// <summary>From now until the deadline, a millisecond or more.</summary>
    public required TimeSpan HoldFor { get; init; }

    /// <summary>See <see cref="Stock.OnExisting"/>.</summary>
    public OnExisting OnExisting { get; init; }

    /// <summary>Null when the caller gave no key.</summary>
    public Idempotency? Idempotency { get; init; }
}

/// <summary>What became of a <see cref="ReserveRequest"/>. Equal for every replay of one idempotency key.</summary>
public sealed record ReserveAnswer
{
    /// <summary>What was decided.</summary>
    public required ReserveOutcome Outcome { get; init; }

    /// <summary>True when an earlier answer to the same idempotency key was repeated.</summary>
    public bool Replayed { get; init; }

    /// <summary>
    /// The reservation: held (<c>Held</c>, <c>AlreadyHeld</c>), in the way (<c>ActiveReservationExists</c>) or ended
    /// (<c>Ended</c>).
    /// </summary>
    public Reservation? Reservation { get; init; }

    /// <summary>Redis' clock when it decided.</summary>
    public DateTimeOffset DecidedAt { get; init; }

    /// <summary>
    /// What is left per line; after a hold, what is left beside it. Filled for <c>Held</c> and <c>Insufficient</c>.
    /// </summary>
    public IReadOnlyList<LineAvailability> Available { get; init; } = [];

    /// <summary>
    /// The SKU that <c>UnknownSku</c>, <c>LimitExceeded</c>, <c>Paused</c> or <c>ActiveReservationExists</c> is about.
    /// </summary>
    public string? Sku { get; init; }

    /// <summary>For <c>LimitExceeded</c>: units one customer may have.</summary>
    public int Limit { get; init; }

    /// <summary>For <c>LimitExceeded</c>: units this customer has, held and bought.</summary>
    public int Units { get; init; }
}

/// <summary>What became of a cart's wish for a quantity of one SKU.</summary>
public sealed record AdjustAnswer
{
    /// <summary>What was decided.</summary>
    public required AdjustOutcome Outcome { get; init; }

    /// <inheritdoc cref="ReserveAnswer.Replayed"/>
    public bool Replayed { get; init; }

    /// <summary>The hold, where there is one now.</summary>
    public Reservation? Reservation { get; init; }

    /// <inheritdoc cref="ReserveAnswer.DecidedAt"/>
    public DateTimeOffset DecidedAt { get; init; }

    /// <summary>Units left beside the hold, or available where there were too few.</summary>
    public int Available { get; init; }

    /// <summary>Units that the hold has more than before; below 0 where it has fewer.</summary>
    public int More { get; init; }

    /// <inheritdoc cref="ReserveAnswer.Limit"/>
    public int Limit { get; init; }

    /// <inheritdoc cref="ReserveAnswer.Units"/>
    public int Units { get; init; }
}

/// <summary>What became of an extension.</summary>
/// <param name="Outcome">What was decided.</param>
/// <param name="Reservation">The reservation as it is now; null when not found or fenced.</param>
/// <param name="DecidedAt">Redis' clock when it decided.</param>
/// <param name="Replayed">See <see cref="ReserveAnswer.Replayed"/>.</param>
public sealed record ExtendAnswer(
    ExtendOutcome Outcome, Reservation? Reservation, DateTimeOffset DecidedAt, bool Replayed);

/// <inheritdoc cref="ExtendAnswer"/>
public sealed record ReleaseAnswer(
    ReleaseOutcome Outcome, Reservation? Reservation, DateTimeOffset DecidedAt, bool Replayed);

/// <summary>A reservation as it is now.</summary>
/// <param name="Outcome">What was found.</param>
/// <param name="Reservation">Null when not found or fenced.</param>
/// <param name="DecidedAt">Redis' clock at the reading.</param>
public sealed record FindAnswer(FindOutcome Outcome, Reservation? Reservation, DateTimeOffset DecidedAt);

/// <summary>One SKU's stock at one moment.</summary>
public sealed record StockSnapshot
{
    /// <summary>What was found; the figures count only for <see cref="SnapshotOutcome.Found"/>.</summary>
    public required SnapshotOutcome Outcome { get; init; }

    /// <summary>The SKU.</summary>
    public required string Sku { get; init; }

    /// <summary>Units we own and have not sold.</summary>
    public int Total { get; init; }

    /// <summary>Units in active holds.</summary>
    public int Reserved { get; init; }

    /// <summary>Units that can be held now, never below 0.</summary>
    public int Available => Math.Max(0, Total - Reserved);

    /// <summary>Active holds.</summary>
    public int Holds { get; init; }

    /// <summary>The system of record's version of <see cref="Total"/>.</summary>
    public long Version { get; init; }

    /// <summary>Units one customer may have; null without a limit.</summary>
    public int? MaxPerCustomer { get; init; }

    /// <summary>Whether sale is paused.</summary>
    public bool Paused { get; init; }

    /// <summary>Redis' clock at the reading.</summary>
    public DateTimeOffset At { get; init; }
}

/// <summary>The system of record's view of one SKU, to be shown to shoppers.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Total">Units owned and not sold, 0 or more.</param>
/// <param name="Version">Raised at every change; an older one than Redis has changes nothing.</param>
/// <param name="MaxPerCustomer">Units one customer may have; null without a limit.</param>
/// <param name="Paused">Whether sale is paused.</param>
public sealed record StockTotal(string Sku, int Total, long Version, int? MaxPerCustomer, bool Paused);

/// <summary>What one call of the expirer did.</summary>
/// <param name="Outcome">Whether there is more to do.</param>
/// <param name="Lateness">For each hold given back, how long after its deadline.</param>
public sealed record ExpireAnswer(ExpireOutcome Outcome, IReadOnlyList<TimeSpan> Lateness);

/// <summary>One fact of the event stream.</summary>
/// <param name="Id">Its place in the stream: milliseconds and a number, ascending.</param>
/// <param name="Type">
/// <c>reserved</c>, <c>adjusted</c>, <c>extended</c>, <c>released</c>, <c>expired</c> or <c>stock-set</c>.
/// </param>
/// <param name="ReservationId">Null for events about stock.</param>
/// <param name="Sequence">1, 2, 3 … within a reservation, without gaps; 0 for events about stock.</param>
/// <param name="Holder">Null for events about stock.</param>
/// <param name="ExpiresAt">The reservation's deadline after the event; null for events about stock.</param>
/// <param name="Lines">The reservation's lines after the event, or the SKU with its new total.</param>
/// <param name="TraceParent">The W3C trace context of the request that caused it, where it was traced.</param>
public sealed record StockEvent(
    string Id,
    string Type,
    Guid? ReservationId,
    int Sequence,
    Holder? Holder,
    DateTimeOffset? ExpiresAt,
    IReadOnlyList<Line> Lines,
    string? TraceParent)
{
    /// <summary>When it happened, by Redis' clock.</summary>
    public DateTimeOffset At => StreamIds.TimeOf(Id);
}

/// <summary>What became of an attempt to put a hold out of reach.</summary>
/// <param name="Outcome">What was decided.</param>
/// <param name="Reservation">The hold, or how it ended; null when not found or fenced.</param>
/// <param name="Pins">The attempt's number in each partition where the reservation has a part.</param>
/// <param name="DecidedAt">Redis' clock when it decided.</param>
public sealed record PinAnswer(
    PinOutcome Outcome, Reservation? Reservation, IReadOnlyList<Pin> Pins, DateTimeOffset DecidedAt);

/// <summary>One attempt to confirm one partition's part of a reservation.</summary>
/// <param name="Partition">The partition's index.</param>
/// <param name="Number">Differs from attempt to attempt.</param>
/// <param name="Epoch">The number of the data that the attempt was made in; 0 where it is of no account.</param>
public readonly record struct Pin(int Partition, int Number, long Epoch = 0);

/// <summary>A confirming hold whose lease has ended: whoever pinned it has not come back.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Pin">The attempt that did not finish.</param>
/// <param name="Holder">Who holds it.</param>
/// <param name="Lines">What is held in the pin's partition, each SKU once.</param>
public sealed record LapsedPin(Guid ReservationId, Pin Pin, Holder Holder, IReadOnlyList<Line> Lines);

/// <summary>What the system of record says of one SKU after an order.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Total">Units left, 0 or more.</param>
/// <param name="Version">The version of that total.</param>
public readonly record struct CommittedTotal(string Sku, int Total, long Version);

/// <summary>A hold as it has to be brought back.</summary>
/// <param name="Reservation">Id, holder, lines and deadline.</param>
/// <param name="Sequence">Events that the reservation has had.</param>
/// <param name="CreatedAt">When it was held first, by Redis' clock.</param>
public sealed record HoldRecord(Reservation Reservation, int Sequence, DateTimeOffset CreatedAt);
