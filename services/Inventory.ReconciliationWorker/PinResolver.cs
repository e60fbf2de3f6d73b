using Inventory.Ledger;
using Inventory.Stock;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Finishes what a confirm began and did not end: a hold whose lease is over becomes the order that there is, or is
/// pending again. Any number of instances may run.
/// </summary>
/// <remarks>
/// What is always true: a hold is unpinned only when the ledger has promised that its attempt will never be an order.
/// Each step may be repeated, so a crash of this worker between two of them is cured by the next look.
/// </remarks>
public sealed partial class PinResolver(
    StockEngine stock,
    Confirmations confirmations,
    StockLoader loader,
    StoreOutages outages,
    TimeProvider time,
    ILogger<PinResolver> log) : BackgroundService
{
    /// <summary>Between two looks. A lapsed hold is blocked for no longer than this beyond its lease.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Most holds of a partition for one look. Bounds how long the others wait for the next.</summary>
    private const int Batch = 100;

    private bool unreadable;

    /// <summary>Resolves every hold whose lease is over, up to a limit.</summary>
    /// <returns>How many there were.</returns>
    public async Task<int> ResolveAsync(CancellationToken cancellation)
    {
        var lapsed = await stock.ReadLapsedPinsAsync(Batch);
        foreach (var hold in lapsed)
        {
            try
            {
                await ResolveAsync(hold, cancellation);
            }
            catch (RedisServerException e) when (Unreadable.Explain(e) is not null)
            {
                // The others must not wait for it; the audit names it, and what is mended is resolved then.
            }
        }

        return lapsed.Count;
    }

    private async Task ResolveAsync(LapsedPin hold, CancellationToken cancellation)
    {
        var (id, pin) = (hold.ReservationId, hold.Pin);
        var answer = await confirmations.AbandonAsync(id, pin.Partition, pin.Number, cancellation);
        if (answer.Abandoned || !answer.Order!.IsOf(hold.Holder, hold.Lines, IsInPartition))
        {
            await stock.UnpinAsync(id, pin);
            return;
        }

        var totals = answer.Totals.Select(total => new CommittedTotal(total.Sku, total.Total, total.Version));
        if (await stock.CommitAsync(id, [.. totals]) == CommitOutcome.Ended) EndedTwice(id, answer.Order!.Id);

        bool IsInPartition(string sku) => stock.PartitionOf(sku).Index == pin.Partition;
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
                await ResolveAsync(stoppingToken);
                outages.Ended(this);
                unreadable = false;
            }
            catch (RedisServerException e) when (Unreadable.Explain(e) is { } what)
            {
                // Somebody wrote over the leases. Change capture and the fence live in this process too, and go on.
                if (!unreadable) CannotRead(what);
                unreadable = true;
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                // The next tick retries. Until then the holds stay pinned, and nobody else can have their units.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(1, LogLevel.Error,
        "Reservation {Reservation} had ended in another way although it has become order {Order}.")]
    private partial void EndedTwice(Guid reservation, Guid order);

    [LoggerMessage(2, LogLevel.Error, "Confirms that were broken off can't be finished: {What}.")]
    private partial void CannotRead(string what);
}
