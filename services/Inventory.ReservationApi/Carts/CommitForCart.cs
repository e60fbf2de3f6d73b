using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Confirmation;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Settlement;
using Inventory.Stock;

namespace Inventory.ReservationApi.Carts;

/// <summary>POST /commit: what a cart holds of one SKU is sold.</summary>
public static class CommitForCart
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

        /// <summary>
        /// The hold, as the answer to reserve names it. With it, a repetition means the same hold even when the cart
        /// has reserved the SKU again since.
        /// </summary>
        [JsonPropertyName("reservation_id")] public Guid? ReservationId { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/commit", Handle)
        .WithName(nameof(CommitForCart))
        .WithTags("Carts")
        .OnlyFor(Scopes.Confirm)
        .WithSummary("Make what a cart holds of one SKU an order")
        .WithDescription("For backends, like confirm; a shopper pays for a cart by its reservation_id. A repetition "
            + "returns the same order: without a hold, the answer is the cart's last order with the SKU. If the cart "
            + "has reserved the SKU again since then, that hold is committed, unless reservation_id names another.")
        .Takes<Request>()
        .MayBeRepeated()
        .Answers<CartOrder>(StatusCodes.Status200OK, "The order, from now or before.")
        .Refuses(Problem.ReservationNotFound, Problem.HoldExpired, Problem.ReservationEnded, Problem.HoldConfirming,
            Problem.NotCovered, Problem.ReservationIdReused, Problem.PaymentRefunded, Problem.OrdersUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, HoldStore holds, StockCircuit circuit, Confirmer confirmer, Ledger.Orders orders)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.CommitForCartRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var request = incoming.Value;
        var errors = new FieldErrors();
        errors.CheckHolderId("cart_id", request.CartId);
        errors.CheckSku("sku", request.Sku);
        if (errors.ToRefusal() is { } invalid) return invalid;
        var (cart, sku) = (Caller.Of(http).Cart(request.CartId!), request.Sku!);

        var found = request.ReservationId is { } named
            ? await circuit.CallAsync(() => holds.FindAsync(named))
            : await circuit.CallAsync(() => holds.FindAsync(cart, sku));
        if (found.Outcome == FindOutcome.Fenced) return Refusal.Fenced();
        if (found.Reservation is { } hold)
        {
            if (!IsOf(hold, cart, sku)) return ReleaseForCart.NotHeld(cart.Id, sku);
            var answer = await circuit.CallAsync(() => confirmer.ConfirmAsync(hold.Id, null));
            return answer.Order is { } order
                ? View(order, cart, sku)
                : ConfirmReservation.Refuse(hold.Id, answer);
        }

        var earlier = request.ReservationId is { } id
            ? await orders.FindByReservationAsync(id, http.RequestAborted)
            : await orders.FindLastAsync(cart.Text, sku, http.RequestAborted);
        return earlier is not null && earlier.Holder == cart.Text && earlier.Items.Exists(item => item.SkuId == sku)
            ? View(earlier, cart, sku)
            : ReleaseForCart.NotHeld(cart.Id, sku);
    }

    private static bool IsOf(Reservation hold, Holder cart, string sku) =>
        hold.Holder == cart && hold.Lines.Any(line => line.Sku == sku);

    private static IResult View(Ledger.Order order, Holder cart, string sku) => JsonAnswer.Of(
        StatusCodes.Status200OK, new CartOrder(order, cart.Id, sku), ApiJson.Default.CartOrder);
}
