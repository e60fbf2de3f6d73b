using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Storage;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Finishes interrupted confirms: a hold with an ended lease is committed if there is an order, and otherwise made
/// pending again. Any number of instances may run.
/// </summary>
/// <remarks>
/// Invariant: a hold is unpinned only after the ledger has recorded that its attempt will never become an order. Each
/// step may be repeated, so after a crash of the worker between two of them, the next run continues.
/// </remarks>
public sealed partial class PinResolver(
    ConfirmationStore confirmationStore,
    Confirmations confirmations,
    StockLoader loader,
    StoreOutages outages,
    TimeProvider time,
    ILogger<PinResolver> log) : BackgroundService
{
    /// <summary>The pause between two runs. A hold stays blocked for at most this time after its lease.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Maximum number of holds of a partition in one run. Limits how long the others wait for the next run.
    /// </summary>
    private const int Batch = 100;

    private bool unreadable;

    /// <summary>Resolves holds with an ended lease, up to a limit.</summary>
    /// <returns>Their number.</returns>
    public async Task<int> ResolveAsync(CancellationToken cancellation)
    {
        var lapsed = await confirmationStore.ReadLapsedPinsAsync(Batch);
        foreach (var hold in lapsed)
        {
            try
            {
                await ResolveAsync(hold, cancellation);
            }
            catch (CorruptDataException)
            {
                // The other holds must not wait for a corrupt one. The audit reports it, and it is resolved once it is
                // repaired.
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
            await confirmationStore.UnpinAsync(id, pin);
            return;
        }

        var outcome = await confirmationStore.CommitAsync(id, answer.Totals);
        if (outcome == CommitOutcome.Ended) EndedTwice(id, answer.Order!.Id);

        bool IsInPartition(string sku) => confirmationStore.PartitionOf(sku).Index == pin.Partition;
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
            catch (CorruptDataException e)
            {
                // The leases are corrupt. The process goes on, because change capture and the fence run in it too.
                if (!unreadable) CannotRead(e.Message);
                unreadable = true;
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                // The next tick retries. Until then the holds stay pinned, and their units stay reserved.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(1, LogLevel.Error,
        "Reservation {Reservation} had ended in another way although order {Order} exists.")]
    private partial void EndedTwice(Guid reservation, Guid order);

    [LoggerMessage(2, LogLevel.Error, "Interrupted confirms can't be finished: {What}.")]
    private partial void CannotRead(string what);
}
