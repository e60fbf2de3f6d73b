namespace Inventory.ReservationApi.Orders;

/// <summary>What reservations became.</summary>
internal static class OrdersFeature
{
    internal static void MapOrders(this IEndpointRouteBuilder routes)
    {
        ShowOrder.Map(routes);
        CancelOrder.Map(routes);
    }
}
