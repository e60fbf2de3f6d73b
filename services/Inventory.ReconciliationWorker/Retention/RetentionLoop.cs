namespace Inventory.ReconciliationWorker.Retention;

/// <summary>Runs <see cref="Pruner"/>. Any number of instances may run.</summary>
public sealed partial class RetentionLoop(
    Pruner pruner, StockLoader loader, StoreOutages outages, TimeProvider time, ILogger<RetentionLoop> log)
    : BackgroundService
{
    /// <summary>The pause between two passes. A pass without old rows is four look-ups in an index.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    private string? brokenBy;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loader.LedgerReady.WaitAsync(stoppingToken);
        using var tick = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await pruner.PassAsync(stoppingToken);
                outages.Ended(this);
                brokenBy = null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next tick retries. Until then the tables grow, and nothing is lost.
                if (brokenBy != e.Message) NotArchived(e.Message);
                brokenBy = e.Message;
            }
            catch (Exception e) when (StoreOutages.IsOfStore(e))
            {
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(1, LogLevel.Error, "Old rows can't be archived, so they are not deleted: {Reason}")]
    private partial void NotArchived(string reason);
}
