using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Confirmation;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Products;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.Settlement;
using Microsoft.AspNetCore.Http.Features;

namespace Inventory.ReservationApi.Orders;

/// <summary>POST /api/orders/{id}/cancel: its units are available again, and its payment is refunded.</summary>
public static class CancelOrder
{
    private const string Usual = "cancelled";
    private const string ReasonRule = "must have 1 to 64 printable characters, not all of them spaces";

    /// <summary>The reason. The body is optional.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>The reason of the movements; cancelled when absent.</summary>
        /// <example>customer-left</example>
        public string? Reason { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost(ShowOrder.Path + "/cancel", Handle)
        .WithName(nameof(CancelOrder))
        .WithTags("Orders")
        .OnlyFor(Scopes.Confirm)
        .WithSummary("Cancel an order")
        .WithDescription("Its units are available again, with a movement that says why, and its payment is marked for "
            + "a refund. A repetition succeeds and changes nothing. When a total has no room for the units, the order "
            + "stays as it is until the total is lowered.")
        .Accepts<Request>(isOptional: true, "application/json")
        .MayBeRepeated()
        .Answers<OrderView>(StatusCodes.Status200OK, "Cancelled, now or before: the order as it is.")
        .Refuses(Problem.OrderNotFound, Problem.TotalOutOfRange, Problem.LedgerUnavailable)
        .AnswerLedgerOutages();

    internal static async Task<IResult> Handle(
        HttpContext http, string id, Ledger.Orders orders, Confirmations confirmations, SettlementMetrics metrics,
        LedgerContext context, ProductPublisher window)
    {
        if (ReservationAddress.Read(id, out var orderId) is { } badAddress) return badAddress;
        var reason = Usual;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.CancelOrderRequest);
            if (incoming.Refusal is { } unreadable) return unreadable;
            reason = incoming.Value.Reason ?? Usual;
            if (!IsReason(reason)) return Refusal.Invalid("reason", ReasonRule);
        }

        if (await orders.FindAsync(orderId, http.RequestAborted) is not { } order)
        {
            return ShowOrder.NotFound($"There is no order {orderId}.");
        }

        var before = await window.PrepareCancelAsync(order);
        var answer = await confirmations.CancelOrderAsync(order.ReservationId, reason, CancellationToken.None);
        if (answer.Outcome == CancelOutcome.OutOfRange) return OutOfRange(answer);
        if (answer.Outcome == CancelOutcome.Cancelled)
        {
            await window.CancelAsync(before, answer.Order!, answer.Totals);
            if (answer.Order!.PaymentId is not null) metrics.Refunded(RefundReason.OrderCancelled.Word());
        }

        foreach (var item in answer.Order!.Items)
        {
            // Before the answer: the caller may want to sell the units again.
            var state = await ProductState.ReadAsync(context, item.SkuId, http.RequestAborted);
            if (state is not null) await window.ShowAsync(state);
        }

        return await ShowOrder.ViewAsync(answer.Order, orders, http.RequestAborted);
    }

    /// <summary>Names the first SKU without room for the order's units, and by how much it has to be lowered.</summary>
    private static Refusal OutOfRange(CancelAnswer answer)
    {
        var totals = answer.Totals.ToDictionary(total => total.Sku, total => total.Total, StringComparer.Ordinal);
        foreach (var item in answer.Order!.Items)
        {
            var excess = (long)totals[item.SkuId] + item.Quantity - int.MaxValue;
            if (excess <= 0) continue;
            return Refusal.Of(Problem.TotalOutOfRange,
                $"The total of {item.SkuId} is {totals[item.SkuId]}; with the order's {item.Quantity} it would be "
                    + $"above {int.MaxValue}. Nothing was changed. Take at least {excess} from the total by an "
                    + "adjustment, and cancel again.")
            with
            { Sku = item.SkuId };
        }

        return Refusal.Of(Problem.TotalOutOfRange,
            $"With the order's units the total of one of its SKUs was above {int.MaxValue}, and no longer is. Nothing "
                + "was changed: cancel again.");
    }

    private static bool IsReason(string reason) =>
        reason.Length is > 0 and <= InventoryMovement.MaxReasonLength && !string.IsNullOrWhiteSpace(reason)
        && !reason.Any(char.IsControl) && !reason.Any(char.IsSurrogate);
}
