using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>
/// Lets due holds go back, second by second, as long as every payment that is stored has been worked off. After an
/// outage a payment that came meanwhile so comes before the expiry of its hold. Any number of instances may run.
/// </summary>
/// <remarks>
/// <c>settle</c> works payments off, and returns how many are left because a store is away.
/// </remarks>
public sealed class ExpiryHeartbeat(
    StockEngine stock,
    Func<CancellationToken, Task<int>> settle,
    StockLoader loader,
    StoreOutages outages,
    TimeProvider time) : BackgroundService
{
    /// <summary>A fifth of the silence after which due holds wait.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Settles, and says so.</summary>
    /// <returns>Whether due holds may go back.</returns>
    public async Task<bool> BeatAsync(CancellationToken cancellation)
    {
        // The epochs first: an outage in between leaves them behind.
        var looks = new List<(Partition Partition, RunLook Look)>();
        foreach (var partition in stock.ReadPartitions()) looks.Add((partition, await stock.LookAsync(partition)));
        if (await settle(cancellation) > 0) return false;
        var fresh = true;
        foreach (var (partition, look) in looks)
        {
            fresh &= look.Outcome == VerifyOutcome.Verified
                && await stock.BeatAsync(partition, look.Epoch) == BeatOutcome.Fresh;
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
                // Due holds wait meanwhile, for half a minute at most.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }
}
