using Inventory.Ledger;

namespace Inventory.ReservationApi.Queue;

/// <summary>What protects requests from an outage of Redis: the circuit, and the queue that it sends them to.</summary>
internal static class QueueFeature
{
    internal static void AddQueue(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<StockCircuitOptions>(StockCircuitOptions.Section);
        services.AddValidatedOptions<WaitingQueueOptions>(WaitingQueueOptions.Section);
        services.AddSingleton<StockCircuit>();
        services.AddSingleton<QueueMetrics>();
        services.AddSingleton<WaitingQueue>();
        services.AddSingleton<QueueWatch>();
        services.AddSingleton<QueueAdmission>();
        services.AddSingleton<QueueDecider>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueWatch>());
        services.AddHostedService<StockProbe>();
        services.AddHostedService<QueueDrain>();
    }

    internal static void MapQueue(this IEndpointRouteBuilder routes)
    {
        ShowTicket.Map(routes);
        StreamTicket.Map(routes);
        CancelTicket.Map(routes);
    }
}
