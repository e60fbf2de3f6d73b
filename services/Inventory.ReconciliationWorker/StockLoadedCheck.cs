using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Inventory.ReconciliationWorker;

/// <summary>Healthy once Redis has every total: what waits for this worker may sell.</summary>
public sealed class StockLoadedCheck(StockLoader loader) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(loader.IsLoaded
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("Stock is being loaded."));
}
