using Inventory.Ledger;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Inventory.ReservationApi.Queue;

/// <summary>Registers what protects requests from an outage of Redis.</summary>
internal static class QueueServices
{
    /// <summary>Adds the circuit and the waiting queue.</summary>
    internal static void AddWaitingQueue(this IServiceCollection services)
    {
        services.AddValidatedOptions<StockCircuitOptions>(StockCircuitOptions.Section);
        services.AddValidatedOptions<WaitingQueueOptions>(WaitingQueueOptions.Section);
        services.TryAddSingleton(TimeProvider.System);
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

    /// <summary>
    /// <see cref="StockCircuitOptions.CallTimeout"/>, which the connection needs before there are services.
    /// </summary>
    internal static TimeSpan CallTimeout(IConfiguration configuration) => configuration.GetValue(
        $"{StockCircuitOptions.Section}:{nameof(StockCircuitOptions.CallTimeout)}",
        new StockCircuitOptions().CallTimeout);
}
