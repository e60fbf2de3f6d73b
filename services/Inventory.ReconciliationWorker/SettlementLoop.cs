using Inventory.Settlement;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Settles the payments that could not be settled when they came: Redis was away, or their reservation was not known
/// yet. Any number of instances may run.
/// </summary>
public sealed class SettlementLoop(
    PaymentSettler settler, StockLoader loader, StoreOutages outages, TimeProvider time) : BackgroundService
{
    /// <summary>Between two looks: a shopper whose payment waits for Redis gets the order about as fast.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loader.LedgerReady.WaitAsync(stoppingToken);
        using var tick = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await settler.SettleAsync(stoppingToken);
                outages.Ended(this);
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                // The next tick retries. What is claimed by now is free again before long.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }
}
