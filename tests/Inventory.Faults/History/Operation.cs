using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.Faults.History;

/// <summary>The kind of a call.</summary>
public enum Act
{
    /// <summary>Reserve stock under an id that the client chose.</summary>
    Reserve,

    /// <summary>Extend a hold.</summary>
    Extend,

    /// <summary>Release a hold.</summary>
    Release,

    /// <summary>Confirm a hold.</summary>
    Confirm,

    /// <summary>Send the webhook of an approved payment, as its provider does.</summary>
    Pay,

    /// <summary>Read a reservation.</summary>
    Look,

    /// <summary>Add units to a SKU.</summary>
    Restock,
}

/// <summary>The outcome as the client knows it.</summary>
public enum Heard
{
    /// <summary>The call succeeded.</summary>
    Done,

    /// <summary>The call was refused because of the stock or the state of the reservation.</summary>
    Refused,

    /// <summary>
    /// The connection broke, the call timed out, or the answer was a 5xx or a ticket. The call may have taken effect,
    /// or may do so later.
    /// </summary>
    Unknown,
}

/// <summary>One call of one client, its times and its answer. Times are milliseconds since 1970.</summary>
public sealed record Operation
{
    /// <summary>The number of the call over all clients, in the order in which calls began.</summary>
    public required long Number { get; init; }

    /// <summary>The client.</summary>
    public int Client { get; init; }

    /// <summary>The kind of the call.</summary>
    public required Act Act { get; init; }

    /// <summary>The reservation; all zeros for <see cref="Act.Restock"/>.</summary>
    public Guid Reservation { get; init; }

    /// <summary>The holder in the engine's format.</summary>
    public string Holder { get; init; } = "";

    /// <summary>The lines to hold or to add.</summary>
    public IReadOnlyList<Line> Lines { get; init; } = [];

    /// <summary>The Idempotency-Key, the event's name of a payment, or the reference of a restocking.</summary>
    public string? Key { get; init; }

    /// <summary>The provider's name for the payment.</summary>
    public string? Payment { get; init; }

    /// <summary>When it was sent.</summary>
    public required long BegunMs { get; init; }

    /// <summary>When the answer arrived or the client gave up.</summary>
    public required long EndedMs { get; init; }

    /// <summary>The outcome as the client knows it.</summary>
    public required Heard Heard { get; init; }

    /// <summary>The HTTP status; 0 when there was no answer.</summary>
    public int Status { get; init; }

    /// <summary>The last part of the problem's type, for a refusal.</summary>
    public string? Problem { get; init; }

    /// <summary>The reservation's status, or the payment's outcome, as the answer says.</summary>
    public string? State { get; init; }

    /// <summary>The deadline in the answer.</summary>
    public long? DeadlineMs { get; init; }

    /// <summary>Units available of each SKU according to a refusal.</summary>
    public IReadOnlyDictionary<string, int>? Available { get; init; }

    /// <summary>The reservation that a refusal names.</summary>
    public Guid? Named { get; init; }

    /// <summary>Whether the answer is marked as a replay.</summary>
    public bool Replayed { get; init; }

    /// <summary>The answer's body, for requests that may be repeated.</summary>
    public string? Body { get; init; }

    /// <summary>The latest time of its effect: an unanswered call may take effect at any later time.</summary>
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
