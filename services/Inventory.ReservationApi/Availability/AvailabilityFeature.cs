namespace Inventory.ReservationApi.Availability;

/// <summary>What can be sold at this moment, once or live.</summary>
internal static class AvailabilityFeature
{
    internal static void AddAvailability(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<LiveStockOptions>(LiveStockOptions.Section);
        builder.Services.AddSingleton<LiveStockMetrics>();
        builder.Services.AddSingleton<LiveStock>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<LiveStock>());
    }

    internal static void MapAvailability(this IEndpointRouteBuilder routes)
    {
        ShowStock.Map(routes);
        StreamStock.Map(routes);
    }
}
