using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Confirmation;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

namespace Inventory.ReservationApi.Orders;

/// <summary>GET /api/orders/{id} and GET /api/reservations/{id}/order: what a reservation became.</summary>
public static class ShowOrder
{
    internal const string Path = "/api/orders/{id}";

    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Handle)
            .WithName(nameof(ShowOrder))
            .WithTags("Orders")
            .ForShoppersAnd(Scopes.Confirm)
            .MayBeShed(Priority.Browsing)
            .WithSummary("Read an order")
            .WithDescription("Orders are kept for ever, cancelled ones too. Refunds and disputes that the payment "
                + "provider has reported are listed; they don't change the order's status.")
            .Answers<OrderView>(StatusCodes.Status200OK, "The order.")
            .Refuses(Problem.OrderNotFound, Problem.OrdersUnavailable);
        routes.MapGet(Reserve.Path + "/{id}/order", HandleReservation)
            .WithName("ShowOrderOfReservation")
            .WithTags("Orders")
            .ForShoppersAnd(Scopes.Confirm)
            .MayBeShed(Priority.Browsing)
            .WithSummary("Read the order that a reservation became")
            .WithDescription("While a payment is known and its order is not decided, the status is pending and there "
                + "is no orderId yet: Redis is unavailable, or the payment came late. The customer need not pay again.")
            .Answers<OrderView>(StatusCodes.Status200OK, "The order, or the payment that waits for it.")
            .Refuses(Problem.OrderNotFound, Problem.OrdersUnavailable);
    }

    internal static async Task<IResult> Handle(HttpContext http, string id, Ledger.Orders orders)
    {
        if (ReservationAddress.Read(id, out var orderId) is { } invalid) return invalid;
        return await orders.FindAsync(orderId, http.RequestAborted) is { } order
            && Caller.Of(http).MaySee(Holder.Parse(order.Holder))
            ? await ViewAsync(order, orders, http.RequestAborted)
            : NotFound($"There is no order {orderId}.");
    }

    internal static async Task<IResult> HandleReservation(HttpContext http, string id, Ledger.Orders orders)
    {
        if (ReservationAddress.Read(id, out var reservationId) is { } invalid) return invalid;
        // The payment first: if it becomes an order in between, the order is found.
        var payment = await orders.FindUnsettledAsync(reservationId, http.RequestAborted);
        var caller = Caller.Of(http);
        if (await orders.FindByReservationAsync(reservationId, http.RequestAborted) is { } order
            && caller.MaySee(Holder.Parse(order.Holder)))
        {
            return await ViewAsync(order, orders, http.RequestAborted);
        }

        return payment is not null && MaySee(caller, payment)
            ? View(new(payment))
            : NotFound($"Reservation {reservationId} is not an order.");
    }

    /// <summary>
    /// A shopper sees their own payments, by the holder that PostgreSQL has stored: Redis may be unavailable.
    /// </summary>
    private static bool MaySee(Caller caller, Ledger.UnsettledPayment payment) =>
        caller.Shopper is null || (payment.Holder is { } holder && caller.MaySee(Holder.Parse(holder)));

    internal static Refusal NotFound(string detail) => Refusal.Of(Problem.OrderNotFound, detail);

    /// <summary>An order with its refunds and disputes.</summary>
    internal static async Task<IResult> ViewAsync(Order order, Ledger.Orders orders, CancellationToken cancellation) =>
        View(new(order, await orders.FindReversalsAsync(order.ReservationId, cancellation)));

    private static IResult View(OrderView view) =>
        JsonAnswer.Of(StatusCodes.Status200OK, view, ApiJson.Default.OrderView);
}
