using Inventory.Stock;
using StackExchange.Redis;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the stores of stock.</summary>
public static class StockServices
{
    /// <summary>
    /// Adds the stores of <see cref="StockStores"/> over the registered <c>IConnectionMultiplexer</c>, with
    /// <see cref="StockOptions"/> checked at start.
    /// </summary>
    public static IServiceCollection AddStock(this IServiceCollection services)
    {
        services.AddValidatedOptions<StockOptions>(StockOptions.Section);
        return services
            .AddSingleton<StockStores>()
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Holds)
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Confirmations)
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Levels)
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Events)
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Maintenance)
            .AddSingleton(provider => provider.GetRequiredService<StockStores>().Audit);
    }

    /// <summary>
    /// Reconnects to Redis every half second. The client's own policy waits up to ten seconds between attempts, and a
    /// service that starts during an outage would try three times for five seconds before it goes on: until then
    /// nothing is sold, released or stored.
    /// </summary>
    public static void ReconnectSoon(ConfigurationOptions redis)
    {
        redis.ReconnectRetryPolicy = new LinearRetry(500);
        redis.ConnectTimeout = 2_000;
        redis.ConnectRetry = 1;
    }
}
