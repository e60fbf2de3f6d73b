using System.Text.Json;
using Inventory.Ledger;

namespace Inventory.ReservationApi.Operations;

/// <summary>An event that could not be stored.</summary>
public sealed record DeadLetterView
{
    internal DeadLetterView(DeadLetter letter)
    {
        (Id, Partition, StreamId) = (letter.Id, letter.Partition, letter.StreamId);
        (Error, Attempts) = (letter.Error, letter.Attempts);
        Payload = JsonElement.Parse(letter.Payload);
        (FirstAt, LastAt) = (letter.FirstAt.UtcDateTime, letter.LastAt.UtcDateTime);
        ResolvedAt = letter.ResolvedAt?.UtcDateTime;
        State = ResolvedAt is null ? "open" : "resolved";
    }

    /// <summary>Its number, ascending.</summary>
    public long Id { get; }

    /// <summary>open or resolved.</summary>
    /// <example>open</example>
    public string State { get; }

    /// <summary>The partition of the stream that it came from.</summary>
    public int Partition { get; }

    /// <summary>Its place in that stream.</summary>
    /// <example>1795262342834-1</example>
    public string StreamId { get; }

    /// <summary>What the last attempt failed with.</summary>
    public string Error { get; }

    /// <summary>Attempts so far.</summary>
    public int Attempts { get; }

    /// <summary>The event as it was in the stream, field by field.</summary>
    public JsonElement Payload { get; }

    /// <summary>When the first attempt failed, UTC.</summary>
    public DateTime FirstAt { get; }

    /// <summary>When the last attempt failed, UTC.</summary>
    public DateTime LastAt { get; }

    /// <summary>When a replay stored it, UTC; absent until then.</summary>
    public DateTime? ResolvedAt { get; }
}
