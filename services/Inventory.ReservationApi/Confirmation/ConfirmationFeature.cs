namespace Inventory.ReservationApi.Confirmation;

/// <summary>Holds become orders.</summary>
internal static class ConfirmationFeature
{
    internal static void AddConfirmation(this IHostApplicationBuilder builder) => builder.Services.AddSettlement();

    internal static void MapConfirmation(this IEndpointRouteBuilder routes) => ConfirmReservation.Map(routes);
}
