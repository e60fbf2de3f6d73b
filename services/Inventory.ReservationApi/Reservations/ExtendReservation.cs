using System.Diagnostics;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Reservations;

/// <summary>POST /api/reservations/{id}/extend: more time to pay. An expired hold can't be extended.</summary>
public static class ExtendReservation
{
    /// <summary>How much more time.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>Seconds to add to the deadline, 1 to 3600.</summary>
        /// <example>60</example>
        public int? AddSeconds { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost(Reserve.Path + "/{id}/extend", Handle)
        .WithName(nameof(ExtendReservation))
        .WithTags("Reservations")
        .ForShoppersAnd(Scopes.Reserve)
        .WithSummary("Give a hold more time")
        .WithDescription("Adds to the deadline, up to the longest lifetime that a hold may have; expiresAt says how "
            + "far it went.")
        .Takes<Request>()
        .Answers<ReservationView>(StatusCodes.Status200OK, "The reservation with its new deadline.")
        .Refuses(Problem.ReservationNotFound, Problem.HoldExpired, Problem.ReservationEnded, Problem.HoldConfirming,
            Problem.LifetimeCapped);

    internal static async Task<IResult> Handle(
        HttpContext http, string id, HoldStore holds, StockCircuit circuit, IOptions<ReservationOptions> options)
    {
        if (ReservationAddress.Read(id, out var reservationId) is { } badAddress) return badAddress;
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ExtendReservationRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var errors = new FieldErrors();
        errors.CheckSeconds("addSeconds", incoming.Value.AddSeconds, options.Value.LongestHold);
        if (errors.ToRefusal() is { } invalid) return invalid;

        var by = TimeSpan.FromSeconds(incoming.Value.AddSeconds!.Value);
        var target = await Caller.Of(http).VisibleIdAsync(reservationId, holds, circuit);
        var answer = await circuit.CallAsync(() => holds.ExtendAsync(target, by, incoming.Idempotency));

        IdempotencyKey.MarkReplayed(http, answer.Replayed);
        return answer.Outcome switch
        {
            ExtendOutcome.Extended => JsonAnswer.Of(StatusCodes.Status200OK,
                new ReservationView(answer.Reservation!, answer.DecidedAt), ApiJson.Default.ReservationView),
            ExtendOutcome.NotFound => ReservationAddress.NotFound(reservationId),
            _ => Refuse(answer),
        };
    }

    /// <summary>The refusal of either interface when a hold was found and not extended.</summary>
    internal static Refusal Refuse(ExtendAnswer answer) => answer.Outcome switch
    {
        ExtendOutcome.Ended => Refusal.Ended(answer.Reservation!),
        ExtendOutcome.Confirming => Refusal.Confirming(answer.Reservation!),
        ExtendOutcome.LifetimeCapped =>
            Refusal.About(Problem.LifetimeCapped, "The hold has its longest lifetime already.", answer.Reservation!),
        ExtendOutcome.KeyReused => Refusal.KeyReused(),
        ExtendOutcome.Fenced => Refusal.Fenced(),
        _ => throw new UnreachableException($"Redis answered {answer.Outcome}."),
    };
}
