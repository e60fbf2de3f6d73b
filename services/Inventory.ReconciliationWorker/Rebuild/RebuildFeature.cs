using Inventory.Ledger;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>Watches the fence, and rebuilds Redis from PostgreSQL before it opens.</summary>
internal static class RebuildFeature
{
    internal static void AddRebuild(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<Fences>();
        services.AddSingleton<HoldRows>();
        services.AddScoped<HoldRebuild>();
        services.AddSingleton<StockRebuild>();
        services.AddSingleton<FenceWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<FenceWatch>());
        services.AddSingleton<ExpiryHeartbeat>();
        services.AddHostedService(provider => provider.GetRequiredService<ExpiryHeartbeat>());
    }
}
