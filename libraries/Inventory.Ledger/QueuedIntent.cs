namespace Inventory.Ledger;

/// <summary>A reservation request as the queue stores it until stock can be decided.</summary>
public sealed record QueuedIntent
{
    /// <summary>The interface of the request, as a number with a fixed meaning.</summary>
    public required short Form { get; init; }

    /// <summary>
    /// The reservation's id. An attempt that got no answer used the same id, so processing the request finds the hold
    /// that was made and does not make a second one.
    /// </summary>
    public required Guid ReservationId { get; init; }

    /// <summary>Whether the client chose the id, and may have used it before.</summary>
    public required bool IsClientsId { get; init; }

    /// <summary>The holder in the form that Redis stores.</summary>
    public required string Holder { get; init; }

    /// <summary>What to hold, as <see cref="Contracts.LinesText"/> writes it.</summary>
    public required string Lines { get; init; }

    /// <summary>The time from the grant until the deadline, a millisecond or more.</summary>
    public required TimeSpan HoldFor { get; init; }

    /// <summary>What to do about existing holds, as a number with a fixed meaning.</summary>
    public required short OnExisting { get; init; }

    /// <summary>A digest of caller and Idempotency-Key; null when the caller gave none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>A digest of the request with this key.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Whether Redis may already have executed the request, or may still execute it.</summary>
    public bool Unsure { get; init; }

    /// <summary>
    /// The shopper that sent the request, as the owner of holds and in the form that Redis stores; null for a caller
    /// that names its customers itself. The column <c>is_shopper</c> says whether there is one.
    /// </summary>
    public string? Shopper { get; init; }

    /// <summary>Whether both ask for one reservation, under one id and in one form.</summary>
    internal bool IsSameReservation(QueuedIntent other) =>
        (ReservationId, Form, Holder, Lines) == (other.ReservationId, other.Form, other.Holder, other.Lines);
}

/// <summary>The state of a queued request. It leaves <see cref="Waiting"/> exactly once.</summary>
public enum QueueState
{
    /// <summary>Not decided.</summary>
    Waiting = 0,

    /// <summary>It became a hold.</summary>
    Granted = 1,

    /// <summary>It was decided, and refused.</summary>
    Refused = 2,

    /// <summary>The caller cancelled it.</summary>
    Cancelled = 3,

    /// <summary>It waited longer than the maximum time.</summary>
    Expired = 4,
}

/// <summary>A place in the queue.</summary>
/// <param name="Place">Its number, ascending in order of arrival, with gaps.</param>
/// <param name="Ticket">The caller's ticket: 128 random bits in 22 characters.</param>
/// <param name="Intent">The request.</param>
/// <param name="State">The state.</param>
/// <param name="Status">The HTTP status of the decision; null before one.</param>
/// <param name="Answer">The decision's body, JSON; null before one.</param>
/// <param name="QueuedAt">When it arrived.</param>
/// <param name="Waited">How long it has waited, by PostgreSQL's clock; meaningless after the decision.</param>
/// <param name="Ahead">Maximum number of requests ahead of it.</param>
public sealed record QueueEntry(
    long Place,
    string Ticket,
    QueuedIntent Intent,
    QueueState State,
    int? Status,
    string? Answer,
    DateTimeOffset QueuedAt,
    TimeSpan Waited,
    long Ahead);

/// <summary>The outcome of a request for a place.</summary>
public enum EnqueueOutcome
{
    /// <summary>The request got a new place.</summary>
    Queued,

    /// <summary>The Idempotency-Key, or the shopper's own reservation id, already had this place.</summary>
    QueuedBefore,

    /// <summary>No place: the queue is full.</summary>
    Full,

    /// <summary>No place: the Idempotency-Key was used for another request.</summary>
    KeyReused,

    /// <summary>No place: as many requests of the shopper wait as one shopper may have.</summary>
    ShopperWaits,
}

/// <summary>The result of a request for a place.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Entry">The place; null without one.</param>
/// <param name="First">
/// For <see cref="EnqueueOutcome.ShopperWaits"/>: of the shopper's waiting tickets the one that is decided first.
/// </param>
public readonly record struct EnqueueAnswer(EnqueueOutcome Outcome, QueueEntry? Entry, string? First = null);

/// <summary>The queue at one moment.</summary>
/// <param name="Head">The first waiting place; null for an empty queue.</param>
/// <param name="End">The highest place ever assigned, 0 for none. Places become visible in ascending order.</param>
/// <param name="Waiting">The number of waiting places.</param>
/// <param name="OldestAge">How long the first place has waited.</param>
/// <param name="Arrivals">Waiting places that the reader did not know yet: number and lines.</param>
public sealed record QueueLoad(
    long? Head, long End, int Waiting, TimeSpan OldestAge, IReadOnlyList<(long Place, string Lines)> Arrivals);

/// <summary>A decision about one place.</summary>
/// <param name="Place">The place.</param>
/// <param name="State">Granted, refused or expired.</param>
/// <param name="Status">The HTTP status of the decision.</param>
/// <param name="Answer">Its body, JSON.</param>
public readonly record struct QueueDecision(long Place, QueueState State, int Status, string Answer);
