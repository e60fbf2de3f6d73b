using Inventory.Stock;
using StackExchange.Redis;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the stock engine.</summary>
public static class StockServices
{
    /// <summary>
    /// Adds <see cref="StockEngine"/> over the registered <c>IConnectionMultiplexer</c>, with
    /// <see cref="StockOptions"/> checked at start.
    /// </summary>
    public static IServiceCollection AddStockEngine(this IServiceCollection services)
    {
        services.AddOptions<StockOptions>()
            .BindConfiguration(StockOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        return services.AddSingleton<StockEngine>();
    }

    /// <summary>
    /// Tries every half second to reach a Redis that is gone. The client's own policy waits up to ten seconds between
    /// attempts, and for as long nothing is sold, given back or stored.
    /// </summary>
    public static void ReconnectSoon(ConfigurationOptions redis) => redis.ReconnectRetryPolicy = new LinearRetry(500);
}
