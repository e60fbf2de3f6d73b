using Inventory.Ledger;

namespace Inventory.ReconciliationWorker;

/// <summary>Deletes decisions about attempts to confirm that ended long ago. Any number of instances may run.</summary>
public sealed class DecisionPruner(
    Confirmations confirmations, StockLoader loader, StoreOutages outages, TimeProvider time) : BackgroundService
{
    /// <summary>The pause between two runs. At 3,000 orders a second the table grows by 200,000 rows in it.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Maximum number of rows of one statement. Limits how long a confirm may wait for the log behind it.
    /// </summary>
    private const int Batch = 5_000;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loader.LedgerReady.WaitAsync(stoppingToken);
        using var tick = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                while (await confirmations.PruneDecisionsAsync(
                    Confirmations.DecisionRetention, Batch, stoppingToken) == Batch)
                {
                }

                outages.Ended(this);
            }
            catch (Exception e) when (StoreOutages.IsOfStore(e))
            {
                // The next tick retries. Until then the table grows.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }
}
