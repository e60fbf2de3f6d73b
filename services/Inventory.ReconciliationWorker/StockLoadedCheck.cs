using Inventory.ReconciliationWorker.Rebuilding;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Inventory.ReconciliationWorker;

/// <summary>Healthy once Redis has every total and was opened: what waits for this worker may sell.</summary>
public sealed class StockLoadedCheck(StockLoader loader, FenceWatch fence) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(loader.IsLoaded && fence.HasOpened
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("Stock is being loaded."));
}
