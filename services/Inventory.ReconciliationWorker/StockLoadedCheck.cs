using Inventory.ReconciliationWorker.Rebuild;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Healthy once Redis has every total and has been opened, so that the services that wait for this worker may sell.
/// Also healthy while a rebuild waits for the materializer, because the materializer may be waiting for this worker.
/// </summary>
public sealed class StockLoadedCheck(StockLoader loader, FenceWatch fence, StockRebuild rebuild) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(loader.IsLoaded && (fence.HasOpened || rebuild.AwaitsMaterializer)
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("Stock is being loaded."));
}
