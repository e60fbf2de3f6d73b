using Inventory.Stock;

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
}
