using Inventory.Settlement;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>
/// Settles payments that could not be settled when they came, because Redis was unavailable or their reservation was
/// not known yet. While none is left, it lets due holds expire, by a heartbeat every second. So a payment that came
/// during an outage is settled before its hold expires. Any number of instances may run.
/// </summary>
public sealed class ExpiryHeartbeat(
    Maintenance maintenance,
    PaymentSettler settler,
    StockLoader loader,
    StoreOutages outages,
    TimeProvider time) : BackgroundService
{
    /// <summary>
    /// A fifth of the time without a heartbeat after which due holds wait. A payment that waits for Redis is settled
    /// within about this time.
    /// </summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Settles payments, and sends the heartbeat if none is left.</summary>
    /// <returns>Whether due holds may expire.</returns>
    public async Task<bool> BeatAsync(CancellationToken cancellation)
    {
        // The epochs are read first, so that an outage in between makes them outdated.
        var partitions = maintenance.Partitions;
        var looking = Task.WhenAll(partitions.Select(maintenance.VerifyOrFenceAsync));
        await ((Task)looking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Runs also without Redis, because it sets the metric of unsettled payments.
        var left = await settler.SettleAsync(cancellation);
        var looks = await looking;
        if (left > 0) return false;
        var fresh = true;
        foreach (var (partition, look) in partitions.Zip(looks))
        {
            fresh &= look.Outcome == VerifyOutcome.Verified
                && await maintenance.BeatAsync(partition, look) == BeatOutcome.Fresh;
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
            catch (Exception e) when (StoreOutages.IsOfStore(e))
            {
                // Due holds wait until then, for half a minute at most. Claimed payments are released when their claim
                // ends.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }
}
