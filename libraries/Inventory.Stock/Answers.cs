using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>What to do when a holder reserves a SKU of which they already have an active reservation.</summary>
public enum OnExisting
{
    /// <summary>Refuse, and name the reservation.</summary>
    Refuse,

    /// <summary>Refuse only if the SKU has no limit per customer; otherwise that limit decides.</summary>
    RefuseUnlessLimited,

    /// <summary>Release the old reservations and hold the new one in the same step, or change nothing.</summary>
    Replace,

    /// <summary>Hold the new one as well.</summary>
    Allow,
}

/// <summary>A request to hold lines together.</summary>
public sealed record ReserveRequest
{
    /// <summary>The reservation's id, chosen by the caller or new.</summary>
    public required Guid Id { get; init; }

    /// <summary>The holder.</summary>
    public required Holder Holder { get; init; }

    /// <summary>The lines to hold; lines of one SKU are added up.</summary>
    public required IReadOnlyList<Line> Lines { get; init; }

    /// <summary>The time until the deadline, a millisecond or more.</summary>
    public required TimeSpan HoldFor { get; init; }

    /// <summary>See <see cref="Stock.OnExisting"/>.</summary>
    public OnExisting OnExisting { get; init; }

    /// <summary>
    /// Whether a shopper's session asks, and not a backend: then <see cref="StockOptions.MaxUnitsPerShopper"/> and
    /// <see cref="StockOptions.MaxSharePerShopper"/> apply.
    /// </summary>
    public bool IsShopper { get; init; }

    /// <summary>Null when the caller gave no key.</summary>
    public Idempotency? Idempotency { get; init; }
}

/// <summary>The result of a <see cref="ReserveRequest"/>. Equal for every replay of one idempotency key.</summary>
public sealed record ReserveAnswer
{
    /// <summary>The outcome.</summary>
    public required ReserveOutcome Outcome { get; init; }

    /// <summary>True when an earlier answer to the same idempotency key was repeated.</summary>
    public bool Replayed { get; init; }

    /// <summary>
    /// The reservation: the new hold (<c>Held</c>, <c>AlreadyHeld</c>), the conflicting one
    /// (<c>ActiveReservationExists</c>) or the ended one (<c>Ended</c>).
    /// </summary>
    public Reservation? Reservation { get; init; }

    /// <summary>Redis' clock when it decided.</summary>
    public DateTimeOffset DecidedAt { get; init; }

    /// <summary>
    /// Available units for each line; after a hold, the units that remain. Filled for <c>Held</c> and
    /// <c>Insufficient</c>.
    /// </summary>
    public IReadOnlyList<LineAvailability> Available { get; init; } = [];

    /// <summary>
    /// The SKU that caused <c>UnknownSku</c>, <c>LimitExceeded</c>, <c>Paused</c> or <c>ActiveReservationExists</c>.
    /// </summary>
    public string? Sku { get; init; }

    /// <summary>For <c>LimitExceeded</c>: the limit per customer, or per shopper.</summary>
    public long Limit { get; init; }

    /// <summary>
    /// For <c>LimitExceeded</c>: the units that count towards it. Units that were bought count towards a customer's
    /// limit, and not towards a shopper's. An owner may have bought more than a total can be.
    /// </summary>
    public long Units { get; init; }
}

/// <summary>The result of setting a cart's quantity of one SKU.</summary>
public sealed record AdjustAnswer
{
    /// <summary>The outcome.</summary>
    public required AdjustOutcome Outcome { get; init; }

    /// <inheritdoc cref="ReserveAnswer.Replayed"/>
    public bool Replayed { get; init; }

    /// <summary>The hold, if there is one after the call.</summary>
    public Reservation? Reservation { get; init; }

    /// <inheritdoc cref="ReserveAnswer.DecidedAt"/>
    public DateTimeOffset DecidedAt { get; init; }

    /// <summary>Units that remain available after the hold, or the available units when there are too few.</summary>
    public int Available { get; init; }

    /// <summary>Change of the hold's units; below 0 when it has fewer than before.</summary>
    public int More { get; init; }

    /// <inheritdoc cref="ReserveAnswer.Limit"/>
    public long Limit { get; init; }

    /// <inheritdoc cref="ReserveAnswer.Units"/>
    public long Units { get; init; }
}

/// <summary>The result of an extension.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Reservation">The reservation after the call; null when not found or fenced.</param>
/// <param name="DecidedAt">Redis' clock when it decided.</param>
/// <param name="Replayed">See <see cref="ReserveAnswer.Replayed"/>.</param>
public sealed record ExtendAnswer(
    ExtendOutcome Outcome, Reservation? Reservation, DateTimeOffset DecidedAt, bool Replayed);

/// <inheritdoc cref="ExtendAnswer"/>
public sealed record ReleaseAnswer(
    ReleaseOutcome Outcome, Reservation? Reservation, DateTimeOffset DecidedAt, bool Replayed);

/// <summary>The current state of a reservation.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Reservation">Null when not found or fenced.</param>
/// <param name="DecidedAt">Redis' clock at the time of reading.</param>
public sealed record FindAnswer(FindOutcome Outcome, Reservation? Reservation, DateTimeOffset DecidedAt);

/// <summary>One SKU's stock at one moment.</summary>
public sealed record StockSnapshot
{
    /// <summary>The outcome; the numbers are only valid for <see cref="SnapshotOutcome.Found"/>.</summary>
    public required SnapshotOutcome Outcome { get; init; }

    /// <summary>The SKU.</summary>
    public required string Sku { get; init; }

    /// <summary>Units owned and not yet sold.</summary>
    public int Total { get; init; }

    /// <summary>Units in active holds.</summary>
    public int Reserved { get; init; }

    /// <summary>Units that can be held now, never below 0.</summary>
    public int Available => Math.Max(0, Total - Reserved);

    /// <summary>Active holds.</summary>
    public int Holds { get; init; }

    /// <summary>The system of record's version of <see cref="Total"/>.</summary>
    public long Version { get; init; }

    /// <summary>The limit per customer; null for none.</summary>
    public int? MaxPerCustomer { get; init; }

    /// <summary>Whether the SKU is paused.</summary>
    public bool Paused { get; init; }

    /// <summary>Redis' clock at the time of reading.</summary>
    public DateTimeOffset At { get; init; }
}

/// <summary>The result of one call of the expirer.</summary>
/// <param name="Outcome">Whether more holds are due.</param>
/// <param name="Lateness">For each expired hold, the time since its deadline.</param>
public sealed record ExpireAnswer(ExpireOutcome Outcome, IReadOnlyList<TimeSpan> Lateness);

/// <summary>One event of the stream.</summary>
/// <param name="Id">Its position in the stream: milliseconds and a number, ascending.</param>
/// <param name="Type">One of <see cref="EventTypes"/>.</param>
/// <param name="ReservationId">Null for events about stock.</param>
/// <param name="Sequence">1, 2, 3 … within a reservation, without gaps; 0 for events about stock.</param>
/// <param name="Holder">Null for events about stock.</param>
/// <param name="ExpiresAt">The reservation's deadline after the event; null for events about stock.</param>
/// <param name="Lines">The reservation's lines after the event, or the SKU with its new total.</param>
/// <param name="TraceParent">The W3C trace context of the request that caused it, if it was traced.</param>
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

/// <summary>The result of an attempt to pin a hold.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Reservation">The hold, or how it ended; null when not found or fenced.</param>
/// <param name="Pins">The attempt's number in each partition of the reservation.</param>
/// <param name="DecidedAt">Redis' clock when it decided.</param>
public sealed record PinAnswer(
    PinOutcome Outcome, Reservation? Reservation, IReadOnlyList<Lease> Pins, DateTimeOffset DecidedAt);

/// <summary>A confirming hold after the end of its lease: its confirm was not finished.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Pin">The attempt that did not finish.</param>
/// <param name="Holder">The holder.</param>
/// <param name="Lines">The lines in the pin's partition, each SKU once.</param>
public sealed record LapsedPin(Guid ReservationId, Lease Pin, Holder Holder, IReadOnlyList<Line> Lines);

/// <summary>A hold to be restored.</summary>
/// <param name="Reservation">Id, holder, lines and deadline.</param>
/// <param name="Sequence">The number of the reservation's events.</param>
/// <param name="CreatedAt">When the hold began, by Redis' clock.</param>
public sealed record HoldRecord(Reservation Reservation, int Sequence, DateTimeOffset CreatedAt);
