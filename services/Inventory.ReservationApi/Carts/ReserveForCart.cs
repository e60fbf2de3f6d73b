using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Text.Json.Serialization;
using Inventory.Identity;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Carts;

/// <summary>POST /reserve: set how many units of one SKU a cart holds. Saying so again changes nothing.</summary>
public static class ReserveForCart
{
    /// <summary>The cart's wish.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>The SKU: 1 to 64 letters, digits or . _ -</summary>
        /// <example>sku-123</example>
        [Required, JsonPropertyName("sku")] public string? Sku { get; init; }

        /// <summary>Units the cart is to hold, 1 or more.</summary>
        /// <example>2</example>
        [Required, JsonPropertyName("qty")] public int? Quantity { get; init; }

        /// <summary>The cart: 1 to 128 letters, digits or . _ - @ + = | ~</summary>
        /// <example>cart-abc</example>
        [Required, JsonPropertyName("cart_id")] public string? CartId { get; init; }

        /// <summary>
        /// How long a new hold lasts, 1 to 3600 seconds; 600 when absent. An existing hold keeps its deadline.
        /// </summary>
        /// <example>120</example>
        [JsonPropertyName("ttl_seconds")] public int? TtlSeconds { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/reserve", Handle)
        .WithName(nameof(ReserveForCart))
        .WithTags("Carts")
        .ForShoppersAnd(Scopes.Reserve)
        .WithSummary("Set a cart's quantity of one SKU")
        .WithDescription("A cart has one hold per SKU. The same quantity again returns it, another quantity changes "
            + "it; its deadline "
            + "stays, so use /extend for more time.")
        .Takes<Request>()
        .Answers<CartHold>(StatusCodes.Status201Created, "A new hold.")
        .Answers<CartHold>(StatusCodes.Status200OK, "The hold there was, with the quantity asked for.")
        .Refuses(Problem.UnknownSku, Problem.InsufficientStock, Problem.LimitExceeded, Problem.SkuPaused,
            Problem.HoldConfirming);

    internal static async Task<IResult> Handle(
        HttpContext http, StockEngine engine, IOptions<ReservationOptions> options)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ReserveForCartRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var (request, idempotency, _) = incoming;
        if (Check(request, options.Value) is { } invalid) return invalid;

        var line = new Line(request.Sku!, request.Quantity!.Value);
        var holdFor = request.TtlSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : options.Value.DefaultHold;
        var answer = await engine.AdjustAsync(
            Caller.Of(http).Cart(request.CartId!), line, holdFor, idempotency);

        IdempotencyKey.MarkReplayed(http, answer.Replayed);
        return answer.Outcome switch
        {
            AdjustOutcome.Held => View(StatusCodes.Status201Created, answer, line.Sku),
            AdjustOutcome.AlreadyHeld or AdjustOutcome.Adjusted => View(StatusCodes.Status200OK, answer, line.Sku),
            AdjustOutcome.Insufficient => Refusal.Insufficient([new(line.Sku, line.Quantity, answer.Available)]),
            AdjustOutcome.UnknownSku => Refusal.UnknownSku(line.Sku),
            AdjustOutcome.Confirming => Refusal.Confirming(answer.Reservation!),
            AdjustOutcome.LimitExceeded => Refusal.LimitExceeded(line.Sku, answer.Limit, answer.Units),
            AdjustOutcome.Paused => Refusal.Paused(line.Sku),
            AdjustOutcome.KeyReused => Refusal.KeyReused(),
            AdjustOutcome.Fenced => Refusal.Fenced(),
            _ => throw new UnreachableException($"The engine answered {answer.Outcome}, which it settles itself."),
        };
    }

    private static Refusal? Check(Request request, ReservationOptions options)
    {
        var errors = new FieldErrors();
        errors.CheckSku("sku", request.Sku);
        errors.CheckQuantity("qty", request.Quantity);
        errors.CheckHolderId("cart_id", request.CartId);
        if (request.TtlSeconds is not null) errors.CheckSeconds("ttl_seconds", request.TtlSeconds, options.LongestHold);
        return errors.ToRefusal();
    }

    private static IResult View(int status, AdjustAnswer answer, string sku) => JsonAnswer.Of(status,
        new CartHold(answer.Reservation!, sku, answer.DecidedAt, answer.Available), ApiJson.Default.CartHold);
}
