using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Carts;

/// <summary>POST /reserve: set how many units of one SKU a cart holds. A repetition changes nothing.</summary>
public static class ReserveForCart
{
    /// <summary>What the cart is to hold.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>The SKU: 1 to 64 printable characters in form C (NFC), 128 bytes at most.</summary>
        /// <example>sku-123</example>
        [Required, JsonPropertyName("sku")] public string? Sku { get; init; }

        /// <summary>Units the cart is to hold, 1 or more.</summary>
        /// <example>2</example>
        [Required, JsonPropertyName("qty")] public int? Quantity { get; init; }

        /// <summary>The cart: 1 to 128 printable characters in form C (NFC), 256 bytes at most.</summary>
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
        .MayBeShed(Priority.Reserving)
        .WithSummary("Set a cart's quantity of one SKU")
        .WithDescription("A cart has one hold per SKU. The same quantity again returns it, another quantity changes "
            + "it; its deadline "
            + "stays, so use /extend for more time. While stock can't be decided, 202 with a ticket for the waiting "
            + "queue.")
        .Takes<Request>()
        .Answers<CartHold>(StatusCodes.Status201Created, "A new hold.")
        .Answers<CartHold>(StatusCodes.Status200OK, "The existing hold, with the quantity asked for.")
        .Answers<TicketView>(StatusCodes.Status202Accepted, "A place in the waiting queue; Location has its address.")
        .Refuses(Problem.UnknownSku, Problem.InsufficientStock, Problem.LimitExceeded, Problem.SkuPaused,
            Problem.HoldConfirming, Problem.AlreadyWaiting, Problem.QueueFull, Problem.ProofOfWorkRequired);

    internal static async Task<IResult> Handle(
        HttpContext http, HoldStore holds, QueueAdmission room, IOptions<ReservationOptions> options)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ReserveForCartRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var (request, idempotency, _) = incoming;
        if (Check(request, options.Value) is { } invalid) return invalid;

        var caller = Caller.Of(http);
        var line = new Line(request.Sku!, request.Quantity!.Value);
        var ask = new ReserveRequest
        {
            Id = Guid.CreateVersion7(),
            Holder = caller.Cart(request.CartId!),
            Lines = [line],
            HoldFor = request.TtlSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : options.Value.DefaultHold,
            IsShopper = caller.Shopper is not null,
            Idempotency = idempotency,
        };
        var (answer, instead) = await room.AskAsync(
            http, new(IntentForm.Cart, ask, IsClientsId: false),
            () => holds.AdjustAsync(ask),
            answer => answer.Outcome == AdjustOutcome.Fenced);
        if (answer is null) return instead!;

        IdempotencyKey.MarkReplayed(http, answer.Replayed);
        new UnitsTaken().Add(answer, line.Sku).TellGateway(http);
        var (status, hold, refusal) = Understand(answer, line);
        return hold is null ? refusal! : JsonAnswer.Of(status, hold, ApiJson.Default.CartHold);
    }

    /// <summary>Redis' answer in terms of HTTP.</summary>
    internal static (int Status, CartHold? Hold, Refusal? Refusal) Understand(AdjustAnswer answer, Line line)
    {
        (int, CartHold?, Refusal?) View(int status) =>
            (status, new(answer.Reservation!, line.Sku, answer.DecidedAt, answer.Available), null);
        static (int, CartHold?, Refusal?) Refuse(Refusal refusal) => (refusal.Status, null, refusal);

        return answer.Outcome switch
        {
            AdjustOutcome.Held => View(StatusCodes.Status201Created),
            AdjustOutcome.AlreadyHeld or AdjustOutcome.Adjusted => View(StatusCodes.Status200OK),
            AdjustOutcome.Insufficient =>
                Refuse(Refusal.Insufficient([new(line.Sku, line.Quantity, answer.Available)])),
            AdjustOutcome.UnknownSku => Refuse(Refusal.UnknownSku(line.Sku)),
            AdjustOutcome.Confirming => Refuse(Refusal.Confirming(answer.Reservation!)),
            AdjustOutcome.LimitExceeded => Refuse(Refusal.LimitExceeded(line.Sku, answer.Limit, answer.Units)),
            AdjustOutcome.Paused => Refuse(Refusal.Paused(line.Sku)),
            AdjustOutcome.KeyReused => Refuse(Refusal.KeyReused()),
            AdjustOutcome.Fenced => Refuse(Refusal.Fenced()),
            _ => throw new UnreachableException($"Redis answered {answer.Outcome}, which no caller should see."),
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
}
