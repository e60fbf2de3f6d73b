using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Queue;

/// <summary>DELETE /api/queue/{ticket}: leave the waiting queue. A repetition changes nothing.</summary>
public static class CancelTicket
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete(ShowTicket.Path + "/{ticket}", Handle)
        .WithName(nameof(CancelTicket))
        .WithTags("Waiting queue")
        .ForShoppersAnd(Scopes.Reserve)
        .WithSummary("Leave the waiting queue")
        .WithDescription("Answers with the ticket as it stands then. A ticket that was granted first stays granted: "
            + "the answer names the reservation, which can be released.")
        .MayBeRepeated()
        .Answers<TicketView>(StatusCodes.Status200OK, "The ticket doesn't wait any more.")
        .Refuses(Problem.TicketNotFound, Problem.TicketGranted, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string ticket, WaitingQueue queue, QueueAdmission room)
    {
        var (entry, refusal) = await ShowTicket.FindAsync(http, ticket, queue);
        if (entry is null) return refusal!;
        if (entry.State == QueueState.Waiting)
        {
            try
            {
                await queue.CancelAsync(ticket, http.RequestAborted);
            }
            catch (Exception e) when (Failures.IsLedgerUnavailable(e, http.RequestAborted))
            {
                return ShowTicket.Unavailable();
            }

            (entry, refusal) = await ShowTicket.FindAsync(http, ticket, queue);
            if (entry is null) return refusal!;
        }

        var view = room.ViewOf(entry);
        if (entry.State != QueueState.Granted)
        {
            return JsonAnswer.Of(StatusCodes.Status200OK, view, ApiJson.Default.TicketView);
        }

        var name = entry.Intent.Form == (short)IntentForm.Cart ? "reservation_id" : "reservationId";
        return Refusal.Of(Problem.TicketGranted, "The ticket was granted before it was cancelled.") with
        {
            ReservationId = view.Reservation!.Value.GetProperty(name).GetGuid(),
        };
    }
}
