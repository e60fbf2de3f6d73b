using System.Globalization;
using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Queueing;

/// <summary>Where a request to hold stock goes: to Redis, or into the queue, or away.</summary>
/// <remarks>
/// The heart of it is what is not known. A call without an answer may have been executed, or may yet be, when a frozen
/// Redis reads what was sent long ago. Its ticket carries the same reservation id and the same idempotency, so
/// whichever comes first holds the stock, and the other finds that.
/// </remarks>
internal sealed class WaitingRoom(
    StockCircuit circuit, QueueWatch watch, WaitingQueue queue, IOptions<WaitingQueueOptions> options,
    QueueMetrics metrics)
{
    private readonly WaitingQueueOptions settings = options.Value;

    /// <summary>Asks the engine, or takes a place in the queue.</summary>
    /// <param name="http">The request.</param>
    /// <param name="intent">What it wants.</param>
    /// <param name="ask">Asks the engine for it.</param>
    /// <param name="isFenced">Whether the engine's answer is that it decides nothing yet.</param>
    /// <returns>The engine's answer; or null, and what to answer instead.</returns>
    internal async ValueTask<(TAnswer? Answer, IResult? Instead)> AskAsync<TAnswer>(
        HttpContext http, Intent intent, Func<Task<TAnswer>> ask, Func<TAnswer, bool> isFenced)
        where TAnswer : class
    {
        if (circuit.IsOpen) return (null, await QueueAsync(http, intent, unsure: false, Refusal.StockAway()));
        if (watch.IsBusy && !await watch.MayPassAsync(intent.Ask.Lines))
        {
            return (null, await QueueAsync(http, intent, unsure: false, Refusal.StockAway()));
        }

        Exception failure;
        try
        {
            var answer = await circuit.CallAsync(ask);
            return isFenced(answer)
                ? (null, await QueueAsync(http, intent, unsure: false, Refusal.Fenced()))
                : (answer, null);
        }
        catch (Exception e) when (Failures.IsStockAway(e))
        {
            failure = e;
        }

        var unsure = !StockCircuit.WasSpared(failure);
        return (null, await QueueAsync(http, intent, unsure, Failures.Explain(failure)!));
    }

    /// <summary>Whether a request for these SKUs would have to wait; for those that can't.</summary>
    internal async ValueTask<bool> MayPassAsync(IReadOnlyList<Stock.Line> lines) =>
        !watch.IsBusy || await watch.MayPassAsync(lines);

    private async Task<IResult> QueueAsync(HttpContext http, Intent intent, bool unsure, Refusal otherwise)
    {
        EnqueueAnswer answer;
        try
        {
            answer = await queue.EnqueueAsync(intent.ToRow(unsure), settings.Capacity, http.RequestAborted);
        }
        catch (Exception e) when (Failures.IsLedgerAway(e, http.RequestAborted))
        {
            metrics.TurnedAway();
            return otherwise;
        }

        switch (answer.Outcome)
        {
            case EnqueueOutcome.Full:
                metrics.TurnedAway();
                return Refusal.QueueFull(settings.Capacity);
            case EnqueueOutcome.KeyReused:
                return Refusal.KeyReused();
        }

        var entry = answer.Entry!;
        if (answer.Outcome == EnqueueOutcome.Queued)
        {
            watch.Note(intent.Ask.Lines, entry.Place);
            metrics.Queued();
        }

        var view = ViewOf(entry);
        http.Response.Headers.Location = $"{ShowTicket.Path}/{entry.Ticket}";
        http.Response.Headers.RetryAfter = RetryAfter(view).ToString(CultureInfo.InvariantCulture);
        return JsonAnswer.Of(StatusCodes.Status202Accepted, view, ApiJson.Default.TicketView);
    }

    /// <summary>A place as whoever waits sees it.</summary>
    internal TicketView ViewOf(QueueEntry entry) => new(entry, settings, circuit.Away);

    /// <summary>Seconds after which asking again makes sense: not all the time, and not much too late.</summary>
    internal static int RetryAfter(TicketView view) => Math.Clamp(view.EstimatedWaitSeconds ?? 1, 1, 30);
}
