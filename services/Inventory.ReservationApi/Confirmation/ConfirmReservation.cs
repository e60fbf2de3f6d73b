using System.Buffers;
using System.Diagnostics;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.Settlement;
using Inventory.Stock;
using Microsoft.AspNetCore.Http.Features;

namespace Inventory.ReservationApi.Confirmation;

/// <summary>POST /api/reservations/{id}/confirm: the hold becomes an order.</summary>
public static class ConfirmReservation
{
    private const string Preference = "return=representation";
    internal const string PaymentIdRule = "must have 1 to 128 printable ASCII characters";
    private const int MaxPaymentIdLength = 128;

    /// <summary>Details of the order. The body is optional.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>The provider's name for the payment.</summary>
        /// <example>pay-1</example>
        public string? PaymentId { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost(Reserve.Path + "/{id}/confirm", Handle)
        .WithName(nameof(ConfirmReservation))
        .WithTags("Reservations")
        .OnlyFor(Scopes.Confirm)
        .WithSummary("Make a hold an order")
        .WithDescription("Its units are sold. For backends that take the payment themselves; when a shopper pays a "
            + "provider, the webhook confirms. A repetition returns the same order, however late, with an "
            + "Idempotency-Key or without; a key that came with another reservation or payment is refused. With "
            + "Prefer: return=representation the answer has the order.")
        .Accepts<Request>(isOptional: true, "application/json")
        .Answers(StatusCodes.Status204NoContent, "There is an order, now or from before.")
        .Answers<OrderView>(StatusCodes.Status200OK, "The order, when it was asked for.")
        .Refuses(Problem.ReservationNotFound, Problem.HoldExpired, Problem.ReservationEnded, Problem.HoldConfirming,
            Problem.NotCovered, Problem.ReservationIdReused, Problem.PaymentRefunded, Problem.OrdersUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string id, StockCircuit circuit, HoldStore holds, Confirmer confirmer)
    {
        if (ReservationAddress.Read(id, out var reservationId) is { } badAddress) return badAddress;
        string? paymentId = null;
        Idempotency? idempotency;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ConfirmReservationRequest);
            if (incoming.Refusal is { } unreadable) return unreadable;
            (paymentId, idempotency) = (incoming.Value.PaymentId, incoming.Idempotency);
            if (!IsPaymentId(paymentId)) return Refusal.Invalid("paymentId", PaymentIdRule);
        }
        else if (IdempotencyKey.Read(http, ReadOnlySequence<byte>.Empty, out idempotency) is { } badKey)
        {
            return badKey;
        }

        if (idempotency is not null && !await circuit.CallAsync(() => holds.ClaimAsync(idempotency)))
        {
            return Refusal.KeyReused();
        }

        var answer = await circuit.CallAsync(() => confirmer.ConfirmAsync(reservationId, paymentId));
        if (answer.Order is not { } order) return Refuse(reservationId, answer);
        if (!http.Request.Headers["Prefer"].Any(prefer => prefer!.Contains(Preference, StringComparison.Ordinal)))
        {
            return TypedResults.NoContent();
        }

        http.Response.Headers["Preference-Applied"] = Preference;
        return JsonAnswer.Of(StatusCodes.Status200OK, new OrderView(order), ApiJson.Default.OrderView);
    }

    /// <summary>The refusal of either interface when there is no order.</summary>
    internal static Refusal Refuse(Guid id, OrderAnswer answer) => answer.Outcome switch
    {
        OrderOutcome.NotFound => ReservationAddress.NotFound(id),
        OrderOutcome.Ended => Refusal.Ended(answer.Reservation!),
        OrderOutcome.Confirming => Refusal.Confirming(answer.Reservation!),
        OrderOutcome.NotCovered => Refusal.About(Problem.NotCovered,
            $"There are fewer units of {answer.Sku} than are held. The hold stays until its deadline.",
            answer.Reservation!) with
        { Sku = answer.Sku },
        OrderOutcome.IdUsedBefore => Refusal.About(Problem.ReservationIdReused,
            "An earlier reservation of this id has become an order.", answer.Reservation!),
        OrderOutcome.RefundRequired => Refusal.About(Problem.PaymentRefunded,
            "This payment is refunded.", answer.Reservation!),
        OrderOutcome.Fenced => Refusal.Fenced(),
        _ => throw new UnreachableException($"The confirmer answered {answer.Outcome} without an order."),
    };

    internal static bool IsPaymentId(string? id) =>
        id is null || (id.Length is > 0 and <= MaxPaymentIdLength && id.All(one => one is > ' ' and < '\x7f'));
}
