using System.Text;
using System.Text.Json;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Draining;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Queue;

/// <summary>GET /api/queue/{ticket}/events: a place in the waiting queue until it is decided.</summary>
/// <remarks>
/// PostgreSQL is read when the head of the queue has passed this place, and at each heartbeat. In between the instance
/// only compares the place with the head of the queue, which it knows anyway.
/// </remarks>
public static class StreamTicket
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    internal static void Map(IEndpointRouteBuilder routes) => routes
        .MapGet(ShowTicket.Path + "/{ticket}/events", Handle)
        .WithName(nameof(StreamTicket))
        .WithTags("Waiting queue")
        .ForShoppersAnd(Scopes.Reserve)
        .WithSummary("Follow a ticket of the waiting queue")
        .WithDescription("Server-sent events: `waiting` with the place as it changes, and then one of `granted`, "
            + "`refused`, `cancelled` and `expired`, which ends the stream. Comments in between keep the "
            + "connection alive. Reconnecting starts with the present state.")
        .Streams<TicketView>("The ticket; each event's data has this shape.")
        .RefusesHead()
        .Refuses(Problem.TicketNotFound, Problem.TooManyListeners, Problem.LedgerUnavailable)
        .DisableHttpMetrics();

    internal static async Task<IResult> Handle(
        HttpContext http, string ticket, WaitingQueue queue, QueueAdmission room, QueueWatch watch,
        IOptions<WaitingQueueOptions> options, TimeProvider time, InstanceDrain drain)
    {
        var (entry, refusal) = await ShowTicket.FindAsync(http, ticket, queue);
        if (entry is null) return refusal!;

        ServerSentEvents.Open(http.Response);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(
            http.RequestAborted, drain.StreamsEnd);
        try
        {
            TicketView? sent = null;
            while (true)
            {
                var view = room.ViewOf(entry);
                var isNews = view.Status != sent?.Status || view.Place != sent.Place;
                await WriteAsync(isNews ? Frame(view) : ServerSentEvents.Heartbeat, http, ending.Token);
                if (view.Place is null) return TypedResults.Empty;
                sent = view;
                await WaitAsync(entry.Place, watch, options.Value.Heartbeat, time, ending.Token);
                var (now, gone) = await ShowTicket.FindAsync(http, ticket, queue);
                if (gone?.Kind == Problem.TicketNotFound) return TypedResults.Empty;
                // While PostgreSQL is unavailable the last known place stays.
                if (now is null) await Task.Delay(RetryPause, time, ending.Token);
                entry = now ?? entry;
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The client has disconnected, or this instance stops: then the client reconnects to another one.
            if (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.BodyWriter.WriteAsync(ServerSentEvents.Farewell, http.RequestAborted);
            }

            return TypedResults.Empty;
        }
    }

    /// <summary>Completes when the queue has passed a place, or at the next heartbeat.</summary>
    private static async Task WaitAsync(
        long place, QueueWatch watch, TimeSpan heartbeat, TimeProvider time, CancellationToken stop)
    {
        var began = time.GetTimestamp();
        while (heartbeat - time.GetElapsedTime(began) is { Ticks: > 0 } left)
        {
            var pulse = watch.NextPulse;
            if (watch.Head > place) return;
            await pulse.WaitAsync(left, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.ThrowIfCancellationRequested();
        }
    }

    private static byte[] Frame(TicketView view) => Encoding.UTF8.GetBytes(
        $"event: {view.Status}\ndata: {JsonSerializer.Serialize(view, ApiJson.Default.TicketView)}\n\n");

    private static async Task WriteAsync(byte[] bytes, HttpContext http, CancellationToken stop)
    {
        var written = await http.Response.BodyWriter.WriteAsync(bytes, stop);
        if (written.IsCompleted) throw new OperationCanceledException(http.RequestAborted);
    }
}
