using System.Text.Json;
using Inventory.Ledger;

namespace Inventory.ReservationApi.Queue;

/// <summary>A ticket of the waiting queue: its place and its decision.</summary>
public sealed record TicketView
{
    internal TicketView(QueueEntry entry, WaitingQueueOptions settings, TimeSpan away)
    {
        Ticket = entry.Ticket;
        QueuedAt = entry.QueuedAt.UtcDateTime;
        var isOverdue = entry.State == QueueState.Waiting && entry.Waited > settings.LongestWait;
        var state = isOverdue ? QueueState.Expired : entry.State;
        Status = WordOf(state);
        if (state == QueueState.Waiting)
        {
            Place = entry.Ahead + 1;
            var worked = Place.Value / (double)settings.DrainPerSecond;
            EstimatedWaitSeconds = (int)Math.Ceiling(away.TotalSeconds + worked);
            WaitsUntil = (entry.QueuedAt + settings.LongestWait).UtcDateTime;
        }

        if (entry.Answer is null) return;
        AnswerStatus = entry.Status;
        var answer = JsonElement.Parse(entry.Answer);
        if (state == QueueState.Granted) Reservation = answer;
        else Problem = answer;
    }

    /// <summary>The ticket's name, which can't be guessed.</summary>
    /// <example>q1oZ0mV8TGyq3lD6n0JwVA</example>
    public string Ticket { get; }

    /// <summary>waiting, granted, refused, cancelled or expired. All but the first are final.</summary>
    /// <example>waiting</example>
    public string Status { get; }

    /// <summary>While waiting: the place, at most. 1 is the next; cancelled tickets in front lower it.</summary>
    /// <example>17</example>
    public long? Place { get; }

    /// <summary>While waiting: the estimated wait.</summary>
    public int? EstimatedWaitSeconds { get; }

    /// <summary>When the ticket was issued, UTC.</summary>
    public DateTime QueuedAt { get; }

    /// <summary>While waiting: when the ticket expires, UTC.</summary>
    public DateTime? WaitsUntil { get; }

    /// <summary>Once decided: the status that a direct call would have been answered with.</summary>
    public int? AnswerStatus { get; }

    /// <summary>Once granted: the reservation, as the call that got the ticket would have shown it.</summary>
    public JsonElement? Reservation { get; }

    /// <summary>Once refused: the problem that the call would have been answered with.</summary>
    public JsonElement? Problem { get; }

    internal static string WordOf(QueueState state) => state switch
    {
        QueueState.Waiting => "waiting",
        QueueState.Granted => "granted",
        QueueState.Refused => "refused",
        QueueState.Cancelled => "cancelled",
        QueueState.Expired => "expired",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "No word for this state."),
    };
}
