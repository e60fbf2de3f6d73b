namespace Inventory.Ledger;

/// <summary>What somebody wants to hold as soon as stock can be decided, as the queue keeps it.</summary>
public sealed record QueuedIntent
{
    /// <summary>Which interface asked, as a number that never changes its meaning.</summary>
    public required short Form { get; init; }

    /// <summary>
    /// The reservation's id. It is the one that an attempt without an answer had, so that working the intent off finds
    /// the hold that was made, in place of making a second.
    /// </summary>
    public required Guid ReservationId { get; init; }

    /// <summary>Whether the client chose the id, and may have used it before.</summary>
    public required bool IsClientsId { get; init; }

    /// <summary>Who will hold the stock, as the stock store writes it.</summary>
    public required string Holder { get; init; }

    /// <summary>What to hold: <c>sku:quantity</c>, separated by commas.</summary>
    public required string Lines { get; init; }

    /// <summary>From the grant until the deadline, a millisecond or more.</summary>
    public required TimeSpan HoldFor { get; init; }

    /// <summary>What to do about other holds, as a number that never changes its meaning.</summary>
    public required short OnExisting { get; init; }

    /// <summary>A digest of caller and Idempotency-Key; null when the caller gave none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>A digest of the request that the key came with.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Whether the stock store may have acted on it already, or may yet.</summary>
    public bool Unsure { get; init; }
}

/// <summary>Where an intent is in its life. It leaves <see cref="Waiting"/> exactly once.</summary>
public enum QueueState
{
    /// <summary>Not decided.</summary>
    Waiting = 0,

    /// <summary>It became a hold.</summary>
    Granted = 1,

    /// <summary>It was decided, and refused.</summary>
    Refused = 2,

    /// <summary>Whoever waited gave it up.</summary>
    Cancelled = 3,

    /// <summary>It waited for so long that nobody is there any more.</summary>
    Expired = 4,
}

/// <summary>A place in the queue.</summary>
/// <param name="Place">Its number: lower ones came first. There are gaps.</param>
/// <param name="Ticket">Its name for whoever waits: 128 random bits in 22 characters.</param>
/// <param name="Intent">What is waited for.</param>
/// <param name="State">What became of it.</param>
/// <param name="Status">The HTTP status of the decision; null before one.</param>
/// <param name="Answer">The decision's body, JSON; null before one.</param>
/// <param name="QueuedAt">When it came.</param>
/// <param name="Waited">How long it waits, by PostgreSQL's clock; meaningless once it is decided.</param>
/// <param name="Ahead">At most so many wait in front of it.</param>
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

/// <summary>Whether somebody got a place.</summary>
public enum EnqueueOutcome
{
    /// <summary>A new place.</summary>
    Queued,

    /// <summary>The place that this Idempotency-Key got before.</summary>
    QueuedBefore,

    /// <summary>No place: too many wait.</summary>
    Full,

    /// <summary>No place: the Idempotency-Key came with another request before.</summary>
    KeyReused,
}

/// <summary>What became of a wish for a place.</summary>
/// <param name="Outcome">Whether there is one.</param>
/// <param name="Entry">The place; null without one.</param>
public readonly record struct EnqueueAnswer(EnqueueOutcome Outcome, QueueEntry? Entry);

/// <summary>What waits at one moment.</summary>
/// <param name="Head">The first place that waits; null when nobody does.</param>
/// <param name="End">The highest place ever given, 0 for none. Places appear in ascending order.</param>
/// <param name="Waiting">How many wait.</param>
/// <param name="OldestAge">How long the first has waited.</param>
/// <param name="Arrivals">Places that wait and were not known: number and lines.</param>
public sealed record QueueLoad(
    long? Head, long End, int Waiting, TimeSpan OldestAge, IReadOnlyList<(long Place, string Lines)> Arrivals);

/// <summary>A decision about one place.</summary>
/// <param name="Place">Which.</param>
/// <param name="State">Granted, refused or expired.</param>
/// <param name="Status">The HTTP status of the decision.</param>
/// <param name="Answer">Its body, JSON.</param>
public readonly record struct QueueDecision(long Place, QueueState State, int Status, string Answer);
