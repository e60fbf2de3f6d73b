using Inventory.Settlement;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>
/// Settles the payments that could not be settled when they came: Redis was away, or their reservation was not known
/// yet. Lets due holds go back, second by second, as long as none is left. After an outage a payment that came
/// meanwhile so comes before the expiry of its hold. Any number of instances may run.
/// </summary>
public sealed class ExpiryHeartbeat(
    StockEngine stock,
    PaymentSettler settler,
    StockLoader loader,
    StoreOutages outages,
    TimeProvider time) : BackgroundService
{
    /// <summary>
    /// A fifth of the silence after which due holds wait. A shopper whose payment waits for Redis gets the order about
    /// as fast.
    /// </summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Settles, and says so.</summary>
    /// <returns>Whether due holds may go back.</returns>
    public async Task<bool> BeatAsync(CancellationToken cancellation)
    {
        // The epochs first: an outage in between leaves them behind.
        var partitions = stock.ReadPartitions();
        var looking = Task.WhenAll(partitions.Select(stock.LookAsync));
        await ((Task)looking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Without Redis too: what is left is counted for those who watch.
        var left = await settler.SettleAsync(cancellation);
        var looks = await looking;
        if (left > 0) return false;
        var fresh = true;
        foreach (var (partition, look) in partitions.Zip(looks))
        {
            fresh &= look.Outcome == VerifyOutcome.Verified
                && await stock.BeatAsync(partition, look) == BeatOutcome.Fresh;
        }

        return fresh;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loader.LedgerReady.WaitAsync(stoppingToken);
        using var tick = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await BeatAsync(stoppingToken);
                outages.Ended(this);
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                // Due holds wait meanwhile, for half a minute at most. What is claimed is free again before long.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }
}
