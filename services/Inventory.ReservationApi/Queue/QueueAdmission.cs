using System.Globalization;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Queue;

/// <summary>Sends a request for a hold to Redis or into the queue, or refuses it.</summary>
/// <remarks>
/// A call without an answer may have been executed, or may be executed later, when a frozen Redis reads it. Its ticket
/// has the same reservation id and idempotency key, so the first of both makes the hold and the other finds it.
/// </remarks>
internal sealed class QueueAdmission(
    StockCircuit circuit, QueueWatch watch, WaitingQueue queue, IOptions<WaitingQueueOptions> options,
    QueueMetrics metrics)
{
    private readonly WaitingQueueOptions settings = options.Value;

    /// <summary>Calls Redis, or takes a place in the queue.</summary>
    /// <param name="http">The request.</param>
    /// <param name="intent">What it asks for.</param>
    /// <param name="ask">Calls Redis for it.</param>
    /// <param name="isFenced">Whether the answer says that the partition is fenced.</param>
    /// <returns>Redis' answer; or null, and what to answer instead.</returns>
    internal async ValueTask<(TAnswer? Answer, IResult? Instead)> AskAsync<TAnswer>(
        HttpContext http, Intent intent, Func<Task<TAnswer>> ask, Func<TAnswer, bool> isFenced)
        where TAnswer : class
    {
        if (circuit.IsOpen) return (null, await QueueAsync(http, intent, unsure: false, Refusal.StockUnavailable()));
        if (watch.IsBusy && !await watch.MayPassAsync(intent.Ask.Lines))
        {
            return (null, await QueueAsync(http, intent, unsure: false, Refusal.StockUnavailable()));
        }

        Exception failure;
        try
        {
            var answer = await circuit.CallAsync(ask);
            return isFenced(answer)
                ? (null, await QueueAsync(http, intent, unsure: false, Refusal.Fenced()))
                : (answer, null);
        }
        catch (Exception e) when (Failures.IsStockUnavailable(e))
        {
            failure = e;
        }

        var unsure = failure is not StockCircuitOpenException;
        return (null, await QueueAsync(http, intent, unsure, Failures.Explain(failure)!));
    }

    /// <summary>Whether a request for these SKUs may pass now. For requests that can't wait in the queue.</summary>
    internal async ValueTask<bool> MayPassAsync(IReadOnlyList<Line> lines) =>
        !watch.IsBusy || await watch.MayPassAsync(lines);

    private async Task<IResult> QueueAsync(HttpContext http, Intent intent, bool unsure, Refusal otherwise)
    {
        EnqueueAnswer answer;
        try
        {
            answer = await queue.EnqueueAsync(
                intent.ToRow(unsure), settings.Capacity, settings.MaxPerShopper, http.RequestAborted);
        }
        catch (Exception e) when (Failures.IsLedgerUnavailable(e, http.RequestAborted))
        {
            metrics.Refused();
            return otherwise;
        }

        switch (answer.Outcome)
        {
            case EnqueueOutcome.Full:
                metrics.Refused();
                return unsure ? otherwise : Refusal.QueueFull(settings.Capacity);
            case EnqueueOutcome.ShopperWaits:
                metrics.Refused();
                // Both refusals say that nothing was changed, which an unsure call may have done.
                return unsure ? otherwise : Refusal.ShopperWaits(answer.First!, settings.MaxPerShopper);
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

    /// <summary>A place as its caller sees it.</summary>
    internal TicketView ViewOf(QueueEntry entry) => new(entry, settings, circuit.Unavailable);

    /// <summary>Seconds after which a client should ask again: neither too often nor much too late.</summary>
    internal static int RetryAfter(TicketView view) => Math.Clamp(view.EstimatedWaitSeconds ?? 1, 1, 30);
}
