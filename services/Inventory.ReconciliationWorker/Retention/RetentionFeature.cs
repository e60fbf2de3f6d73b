namespace Inventory.ReconciliationWorker.Retention;

/// <summary>Deletes rows that nothing can need any more.</summary>
internal static class RetentionFeature
{
    internal static void AddRetention(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<RetentionOptions>(RetentionOptions.Section);
        services.AddSingleton<RetentionMetrics>();
        services.AddSingleton<Archive>();
        services.AddSingleton<Pruner>();
        services.AddHostedService<RetentionLoop>();
    }
}
