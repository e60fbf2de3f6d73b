namespace Inventory.ReservationApi.Carts;

/// <summary>Holds of carts, one SKU at a time, in an interface of its own.</summary>
internal static class CartsFeature
{
    internal static void MapCarts(this IEndpointRouteBuilder routes)
    {
        ReserveForCart.Map(routes);
        ExtendForCart.Map(routes);
        CommitForCart.Map(routes);
        ReleaseForCart.Map(routes);
        CartSnapshot.Map(routes);
        ListEvents.Map(routes);
    }
}
