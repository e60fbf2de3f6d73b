using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Carts;

/// <summary>POST /extend: more time for what a cart holds of one SKU.</summary>
public static class ExtendForCart
{
    /// <summary>Which hold, and how much more time.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>The cart.</summary>
        /// <example>cart-abc</example>
        [Required, JsonPropertyName("cart_id")] public string? CartId { get; init; }

        /// <summary>The SKU.</summary>
        /// <example>sku-123</example>
        [Required, JsonPropertyName("sku")] public string? Sku { get; init; }

        /// <summary>Seconds to add to the deadline, 1 to 3600.</summary>
        /// <example>60</example>
        [Required, JsonPropertyName("add_seconds")] public int? AddSeconds { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/extend", Handle)
        .WithName(nameof(ExtendForCart))
        .WithTags("Carts")
        .ForShoppersAnd(Scopes.Reserve)
        .WithSummary("Give a cart's hold more time")
        .WithDescription("Adds to the deadline, up to the longest lifetime that a hold may have. An expired hold "
            + "can't be extended.")
        .Takes<Request>()
        .Answers<CartHold>(StatusCodes.Status200OK, "The hold with its new deadline.")
        .Refuses(Problem.ReservationNotFound, Problem.HoldExpired, Problem.ReservationEnded, Problem.HoldConfirming,
            Problem.LifetimeCapped);

    internal static async Task<IResult> Handle(
        HttpContext http, HoldStore holds, StockCircuit circuit, IOptions<ReservationOptions> options)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ExtendForCartRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var (request, idempotency, _) = incoming;
        var errors = new FieldErrors();
        errors.CheckHolderId("cart_id", request.CartId);
        errors.CheckSku("sku", request.Sku);
        errors.CheckSeconds("add_seconds", request.AddSeconds, options.Value.LongestHold);
        if (errors.ToRefusal() is { } invalid) return invalid;

        var by = TimeSpan.FromSeconds(request.AddSeconds!.Value);
        var answer = await circuit.CallAsync(
            () => holds.ExtendAsync(Caller.Of(http).Cart(request.CartId!), request.Sku!, by, idempotency));

        IdempotencyKey.MarkReplayed(http, answer.Replayed);
        return answer.Outcome switch
        {
            ExtendOutcome.Extended => JsonAnswer.Of(StatusCodes.Status200OK,
                new CartHold(answer.Reservation!, request.Sku!, answer.DecidedAt, null), ApiJson.Default.CartHold),
            ExtendOutcome.NotFound => ReleaseForCart.NotHeld(request.CartId!, request.Sku!),
            _ => ExtendReservation.Refuse(answer),
        };
    }
}
