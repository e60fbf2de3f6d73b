using Inventory.Stock;

namespace Inventory.Faults.History;

/// <summary>What a client asked for.</summary>
public enum Act
{
    /// <summary>Hold stock under an id of the client's own.</summary>
    Reserve,

    /// <summary>More time for a hold.</summary>
    Extend,

    /// <summary>Give a hold back.</summary>
    Release,

    /// <summary>Make a hold an order.</summary>
    Confirm,

    /// <summary>Tell of an approved payment, as its provider does.</summary>
    Pay,

    /// <summary>Read a reservation.</summary>
    Look,

    /// <summary>Add units to a SKU.</summary>
    Restock,
}

/// <summary>What the client knows afterwards.</summary>
public enum Heard
{
    /// <summary>It was done.</summary>
    Done,

    /// <summary>It was refused, for a reason that stock or the reservation gives.</summary>
    Refused,

    /// <summary>
    /// Nothing: the connection broke, time ran out, the answer was a 5xx or a ticket. It may have been done, or may be
    /// yet.
    /// </summary>
    Unknown,
}

/// <summary>One call of one client: what was asked, when, what was heard. Times are milliseconds since 1970.</summary>
public sealed record Operation
{
    /// <summary>Counts up over all clients, in the order of beginning.</summary>
    public required long Number { get; init; }

    /// <summary>Whose.</summary>
    public int Client { get; init; }

    /// <summary>What was asked.</summary>
    public required Act Act { get; init; }

    /// <summary>Of which reservation; all zeros for <see cref="Act.Restock"/>.</summary>
    public Guid Reservation { get; init; }

    /// <summary>Who holds, as the engine writes it.</summary>
    public string Holder { get; init; } = "";

    /// <summary>What to hold, or to add.</summary>
    public IReadOnlyList<Line> Lines { get; init; } = [];

    /// <summary>The Idempotency-Key, the event's name of a payment, or the reference of a restocking.</summary>
    public string? Key { get; init; }

    /// <summary>The provider's name for the payment.</summary>
    public string? Payment { get; init; }

    /// <summary>When it was sent.</summary>
    public required long BegunMs { get; init; }

    /// <summary>When the client heard, or gave up.</summary>
    public required long EndedMs { get; init; }

    /// <summary>What was heard.</summary>
    public required Heard Heard { get; init; }

    /// <summary>The HTTP status; 0 when there was no answer.</summary>
    public int Status { get; init; }

    /// <summary>The last part of the problem's type, for a refusal.</summary>
    public string? Problem { get; init; }

    /// <summary>The reservation's status, or the payment's outcome, as the answer says.</summary>
    public string? State { get; init; }

    /// <summary>The deadline that the answer promises.</summary>
    public long? DeadlineMs { get; init; }

    /// <summary>What each SKU had left, says a refusal.</summary>
    public IReadOnlyDictionary<string, int>? Available { get; init; }

    /// <summary>The reservation that a refusal names.</summary>
    public Guid? Named { get; init; }

    /// <summary>Whether the answer says that it was given before.</summary>
    public bool Replayed { get; init; }

    /// <summary>The answer's body, for requests that may be repeated.</summary>
    public string? Body { get; init; }

    /// <summary>Until when it may have taken effect: an unanswered call may be executed at any later time.</summary>
    public long LastMs => Heard == Heard.Unknown ? long.MaxValue : EndedMs;

    /// <inheritdoc/>
    public override string ToString()
    {
        var lines = string.Join(',', Lines.Select(line => $"{line.Sku}:{line.Quantity}"));
        var said = string.Join(' ', new[]
        {
            Status == 0 ? "no answer" : $"{Status}", Problem, State,
            DeadlineMs is { } deadline ? $"until {Clock.Show(deadline)}" : null, Replayed ? "replayed" : null,
        }.Where(word => word is not null));
        return $"{Clock.Show(BegunMs)} - {Clock.Show(EndedMs)}  client {Client,2}  {Act} {Holder} {lines} "
            + $"{Payment} -> {Heard} ({said})";
    }
}
