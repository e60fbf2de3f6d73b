using System.Buffers;
using System.Diagnostics;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

namespace Inventory.ReservationApi.Reservations;

/// <summary>GET /api/reservations/{id}: a reservation as it is now, or how it ended.</summary>
public static class FindReservation
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Reserve.Path + "/{id}", Handle)
        .WithName(nameof(FindReservation))
        .WithTags("Reservations")
        .ForShoppersAnd(Scopes.Reserve)
        .MayBeShed(Priority.Browsing)
        .WithSummary("Read a reservation")
        .WithDescription("Ended reservations are found for a day, with their final status. A payment that waits for a "
            + "decision is shown by the reservation's order, also while Redis is unavailable.")
        .Answers<ReservationView>(StatusCodes.Status200OK, "The reservation.")
        .Refuses(Problem.ReservationNotFound);

    internal static async Task<IResult> Handle(HttpContext http, string id, HoldStore holds, StockCircuit circuit)
    {
        if (ReservationAddress.Read(id, out var reservationId) is { } invalid) return invalid;
        var target = await Caller.Of(http).VisibleIdAsync(reservationId, holds, circuit);
        var answer = await circuit.CallAsync(() => holds.FindAsync(target));
        return answer.Outcome switch
        {
            FindOutcome.Active or FindOutcome.Ended => JsonAnswer.Of(StatusCodes.Status200OK,
                new ReservationView(answer.Reservation!, answer.DecidedAt), ApiJson.Default.ReservationView),
            FindOutcome.NotFound => ReservationAddress.NotFound(reservationId),
            FindOutcome.Fenced => Refusal.Fenced(),
            _ => throw new UnreachableException($"Redis answered {answer.Outcome}."),
        };
    }
}

/// <summary>The reservation id in a path.</summary>
internal static class ReservationAddress
{
    private const int Length = 36;
    private static readonly SearchValues<char> Alphabet = SearchValues.Create("0123456789abcdefABCDEF-");

    /// <summary>Null, unless <paramref name="text"/> isn't a UUID in its usual form.</summary>
    internal static Refusal? Read(string text, out Guid id)
    {
        // Guid.TryParseExact alone would accept spaces around it and signs within.
        id = default;
        var isUuid = text.Length == Length && !text.AsSpan().ContainsAnyExcept(Alphabet)
            && Guid.TryParseExact(text, "D", out id);
        return isUuid ? null : Refusal.Invalid("id", "must be a UUID such as 019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10");
    }

    internal static Refusal NotFound(Guid id) =>
        Refusal.Of(Problem.ReservationNotFound, $"There is no reservation {id}.");
}
