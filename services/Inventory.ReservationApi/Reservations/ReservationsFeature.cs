using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Reservations;

/// <summary>Reservations of customers: everything under /api/reservations but confirming.</summary>
internal static class ReservationsFeature
{
    internal static void AddReservations(this IHostApplicationBuilder builder) => builder.Services
        .AddValidatedOptions<ReservationOptions>(ReservationOptions.Section)
        .Validate(own => Enum.IsDefined(own.ActivePerCustomerAndSku),
            "ActivePerCustomerAndSku must be Always, UnlessLimited or Never.")
        .Validate(own => own.DefaultHold <= own.LongestHold, "DefaultHold must not be longer than LongestHold.")
        .Validate<IOptions<StockOptions>>((own, stock) => own.LongestHold <= stock.Value.MaxLifetime,
            "Reservations:LongestHold must not be longer than Inventory:MaxLifetime.");

    internal static void MapReservations(this IEndpointRouteBuilder routes)
    {
        Reserve.Map(routes);
        ReserveBatch.Map(routes);
        FindReservation.Map(routes);
        ReleaseReservation.Map(routes);
        ExtendReservation.Map(routes);
    }
}
