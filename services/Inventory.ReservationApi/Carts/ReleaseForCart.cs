using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.Stock;

namespace Inventory.ReservationApi.Carts;

/// <summary>POST /release: release what a cart holds of one SKU.</summary>
public static class ReleaseForCart
{
    /// <summary>Which hold.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>The cart.</summary>
        /// <example>cart-abc</example>
        [Required, JsonPropertyName("cart_id")] public string? CartId { get; init; }

        /// <summary>The SKU.</summary>
        /// <example>sku-123</example>
        [Required, JsonPropertyName("sku")] public string? Sku { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/release", Handle)
        .WithName(nameof(ReleaseForCart))
        .WithTags("Carts")
        .ForShoppersAnd(Scopes.Reserve)
        .WithSummary("Release what a cart holds of one SKU")
        .WithDescription("The units are available again at once. A cart that holds none of the SKU gets 404: its hold "
            + "was released before, or has expired.")
        .Takes<Request>()
        .Answers<CartHold>(StatusCodes.Status200OK, "Released: the hold as it ended.")
        .Refuses(Problem.ReservationNotFound, Problem.HoldExpired, Problem.ReservationEnded, Problem.HoldConfirming);

    internal static async Task<IResult> Handle(HttpContext http, HoldStore holds, StockCircuit circuit)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ReleaseForCartRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var (request, idempotency, _) = incoming;
        var errors = new FieldErrors();
        errors.CheckHolderId("cart_id", request.CartId);
        errors.CheckSku("sku", request.Sku);
        if (errors.ToRefusal() is { } invalid) return invalid;

        var answer = await circuit.CallAsync(
            () => holds.ReleaseAsync(Caller.Of(http).Cart(request.CartId!), request.Sku!, idempotency));

        IdempotencyKey.MarkReplayed(http, answer.Replayed);
        return answer.Outcome switch
        {
            ReleaseOutcome.Released or ReleaseOutcome.AlreadyReleased => JsonAnswer.Of(StatusCodes.Status200OK,
                new CartHold(answer.Reservation!, request.Sku!, answer.DecidedAt, null), ApiJson.Default.CartHold),
            ReleaseOutcome.NotFound => NotHeld(request.CartId!, request.Sku!),
            _ => ReleaseReservation.Refuse(answer),
        };
    }

    internal static Refusal NotHeld(string cartId, string sku) =>
        Refusal.Of(Problem.ReservationNotFound, $"Cart {cartId} holds none of {sku}.") with { Sku = sku };
}
