using System.Buffers;
using System.Diagnostics;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Stock;

namespace Inventory.ReservationApi.Reservations;

/// <summary>DELETE /api/reservations/{id}: release a reservation before its deadline.</summary>
public static class ReleaseReservation
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapDelete(Reserve.Path + "/{id}", Handle)
        .WithName(nameof(ReleaseReservation))
        .WithTags("Reservations")
        .ForShoppersAnd(Scopes.Reserve)
        .WithSummary("Release a reservation")
        .WithDescription("Its units are available again at once. A repetition succeeds and changes nothing.")
        .Answers<ReservationView>(StatusCodes.Status200OK, "Released, now or before: the reservation as it ended.")
        .Refuses(Problem.ReservationNotFound, Problem.HoldExpired, Problem.ReservationEnded, Problem.HoldConfirming,
            Problem.IdempotencyKeyReused);

    internal static async Task<IResult> Handle(HttpContext http, string id, HoldStore holds, StockCircuit circuit)
    {
        if (ReservationAddress.Read(id, out var reservationId) is { } invalid) return invalid;
        if (IdempotencyKey.Read(http, ReadOnlySequence<byte>.Empty, out var idempotency) is { } badKey) return badKey;

        var target = await Caller.Of(http).VisibleIdAsync(reservationId, holds, circuit);
        var answer = await circuit.CallAsync(() => holds.ReleaseAsync(target, idempotency));

        IdempotencyKey.MarkReplayed(http, answer.Replayed);
        return answer.Outcome switch
        {
            ReleaseOutcome.Released or ReleaseOutcome.AlreadyReleased => JsonAnswer.Of(StatusCodes.Status200OK,
                new ReservationView(answer.Reservation!, answer.DecidedAt), ApiJson.Default.ReservationView),
            ReleaseOutcome.NotFound => ReservationAddress.NotFound(reservationId),
            _ => Refuse(answer),
        };
    }

    /// <summary>The refusal of either interface when a hold was found and could not be released.</summary>
    internal static Refusal Refuse(ReleaseAnswer answer) => answer.Outcome switch
    {
        ReleaseOutcome.Ended => Refusal.Ended(answer.Reservation!),
        ReleaseOutcome.Confirming => Refusal.Confirming(answer.Reservation!),
        ReleaseOutcome.KeyReused => Refusal.KeyReused(),
        ReleaseOutcome.Fenced => Refusal.Fenced(),
        _ => throw new UnreachableException($"Redis answered {answer.Outcome}."),
    };
}
