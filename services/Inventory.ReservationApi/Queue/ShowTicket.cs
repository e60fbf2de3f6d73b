using System.Globalization;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

namespace Inventory.ReservationApi.Queue;

/// <summary>GET /api/queue/{ticket}: a ticket's place in the waiting queue, and its decision.</summary>
public static class ShowTicket
{
    internal const string Path = "/api/queue";

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path + "/{ticket}", Handle)
        .WithName(nameof(ShowTicket))
        .WithTags("Waiting queue")
        .ForShoppersAnd(Scopes.Reserve)
        .MayBeShed(Priority.Browsing)
        .WithSummary("Read a ticket of the waiting queue")
        .WithDescription("While status is waiting: the place, the estimated wait and a Retry-After header. "
            + "Granted: the reservation; its time runs from the grant. Refused: the problem that the call would have "
            + "been answered with. Final states are kept for an hour.")
        .Answers<TicketView>(StatusCodes.Status200OK, "The ticket.")
        .Refuses(Problem.TicketNotFound, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string ticket, WaitingQueue queue, QueueAdmission room)
    {
        var (entry, refusal) = await FindAsync(http, ticket, queue);
        if (entry is null) return refusal!;
        var view = room.ViewOf(entry);
        if (view.Place is not null)
        {
            http.Response.Headers.RetryAfter = QueueAdmission.RetryAfter(view).ToString(CultureInfo.InvariantCulture);
        }

        http.Response.Headers.CacheControl = "no-store";
        return JsonAnswer.Of(StatusCodes.Status200OK, view, ApiJson.Default.TicketView);
    }

    /// <summary>The caller's ticket. Another caller's ticket is answered like one that doesn't exist.</summary>
    internal static async Task<(QueueEntry? Entry, Refusal? Refusal)> FindAsync(
        HttpContext http, string ticket, WaitingQueue queue)
    {
        try
        {
            var entry = WaitingQueue.IsTicket(ticket) ? await queue.FindAsync(ticket, http.RequestAborted) : null;
            if (entry is not null && Caller.Of(http).MaySee(Holder.Parse(entry.Intent.Holder))) return (entry, null);
            return (null, Refusal.Of(Problem.TicketNotFound, "No ticket of yours has this name."));
        }
        catch (Exception e) when (Failures.IsLedgerUnavailable(e, http.RequestAborted))
        {
            return (null, Unavailable());
        }
    }

    internal static Refusal Unavailable() => Refusal.Of(Problem.LedgerUnavailable,
        "The waiting queue can't be read at the moment. The place is kept.") with
    { RetryAfterSeconds = 2 };
}
