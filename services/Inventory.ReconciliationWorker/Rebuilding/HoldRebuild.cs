using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>Makes a partition's holds, and what counts them, what the ledger says.</summary>
/// <remarks>
/// What is always true: a hold that PostgreSQL does not know stays, since it may only not have been told; a hold that
/// it knows to have gone on is made what it has become; a pinned hold with an order is left to
/// <see cref="PinResolver"/>. What can't be read counts as not there: it goes, and comes back as PostgreSQL has it.
/// </remarks>
public sealed class HoldRebuild(StockEngine stock, HoldRows rows, StockLevels levels, Confirmations confirmations)
{
    /// <summary>SKUs or holds of one script call: a few milliseconds in which Redis serves nobody else.</summary>
    private const int Batch = 200;

    /// <summary>
    /// By how much an order may seem older than an event of before: the longest lease, and clocks that differ.
    /// </summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(2);

    /// <summary>Script calls on their way at once. Redis does one at a time: the others hide the way to it.</summary>
    private const int AtOnce = 4;

    /// <summary>Removes what has ended or changed, and adds up what stays.</summary>
    /// <returns>What is true of the holds that stay.</returns>
    internal async Task<KeptHolds> DropAsync(
        Partition partition, RebuildProgress progress, CancellationToken cancellation)
    {
        var kept = new KeptHolds();
        await Parallel.ForEachAsync(
            stock.ReadHoldsAsync(partition, cancellation), Limit(cancellation), async (page, _) =>
            {
                await stock.DropSpoiltAsync(partition, page.Spoilt);
                progress.AddSpoilt(page.Spoilt);
                var known = await rows.FindAsync(
                    partition.Index, [.. page.Holds.Select(part => part.ReservationId)], cancellation);
                foreach (var batch in kept.AddAll(page.Holds, known).Chunk(Batch))
                {
                    progress.AddDropped(await stock.DropHoldsAsync(partition, batch));
                }
            });
        return kept;
    }

    /// <summary>Makes every total what PostgreSQL says, and reserved units the sum of their holds.</summary>
    /// <param name="partition">Whose totals.</param>
    /// <param name="kept">The holds; null when what they sum up to is known to be right.</param>
    /// <param name="progress">Is told.</param>
    /// <param name="cancellation">Ends it half-way.</param>
    internal async Task LoadTotalsAsync(
        Partition partition, KeptHolds? kept, RebuildProgress progress, CancellationToken cancellation)
    {
        progress.Step = "loads totals";
        var partitions = stock.ReadPartitions().Count;
        var own = levels.ReadAllAsync(cancellation: cancellation)
            .Where(level => Names.IsSku(level.Sku) && Partition.Of(level.Sku, partitions) == partition);
        await Parallel.ForEachAsync(own.Chunk(Batch), Limit(cancellation), async (batch, _) =>
        {
            var loaded = await stock.LoadStockAsync(partition, [.. batch.Select(level => Rebuilt(level, 0))]);
            progress.AddTotals(batch.Length, loaded.Corrected);
            if (loaded.Newer.Count == 0) return;
            // Read again, since they may have changed in between; what is still behind was restored from a backup.
            var seen = loaded.Newer.ToDictionary(newer => newer.Sku, newer => newer.Version, StringComparer.Ordinal);
            var again = await rows.ReadLevelsAsync([.. seen.Keys], cancellation);
            await stock.LoadStockAsync(partition, [.. again.Select(level => Rebuilt(level, seen[level.Sku]))]);
        });

        RebuiltStock Rebuilt(StockLevel level, long overwritable) => new(
            new(level.Sku, level.Total, level.Version, level.MaxPerCustomer, level.Paused),
            kept?.ReservedOf(level.Sku),
            overwritable);
    }

    /// <summary>Brings back the holds that Redis lacks.</summary>
    internal async Task RestoreAsync(
        Partition partition, KeptHolds kept, RebuildProgress progress, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(
            rows.ReadPendingAsync(partition.Index, cancellation), Limit(cancellation), async (page, _) =>
            {
                foreach (var batch in page.Where(hold => !kept.Has(hold.ReservationId)).Chunk(Batch))
                {
                    var loaded = await stock.LoadHoldsAsync(partition, [.. batch.Select(Record)]);
                    progress.AddRestored(loaded.Restored, loaded.Unknown, loaded.Unreadable);
                }
            });

    /// <summary>
    /// Counts what was bought of SKUs with a limit. An order whose hold is still pinned counts when it is committed,
    /// and not here too.
    /// </summary>
    internal async Task CountBoughtAsync(
        Partition partition, KeptHolds kept, RebuildProgress progress, CancellationToken cancellation)
    {
        var partitions = stock.ReadPartitions().Count;
        var own = rows.ReadBoughtAsync([.. kept.Ordered], cancellation)
            .Where(bought => Partition.Of(bought.Sku, partitions) == partition);
        await foreach (var batch in own.Chunk(Batch).WithCancellation(cancellation))
        {
            progress.AddUnits(await stock.LoadUnitsAsync(
                partition, [.. batch.Select(bought => (bought.Owner, bought.Sku, bought.Units))]));
        }
    }

    /// <summary>Reservations that have become orders of which Redis may have lost what it knew.</summary>
    /// <param name="partition">Whose events.</param>
    /// <param name="stored">The last of them that is stored.</param>
    /// <param name="cancellation">Ends the reading.</param>
    internal Task<List<Guid>> FindUnheardAsync(Partition partition, string stored, CancellationToken cancellation) =>
        rows.FindUnheardAsync(partition.Index, StreamIds.TimeOf(stored) - Margin, cancellation);

    /// <summary>
    /// Takes orders over that Redis has not told of. The end of a hold may be among what it lost with its machine, and
    /// its pin too, without which it would expire.
    /// </summary>
    internal async Task CommitAsync(IReadOnlyList<Guid> reservations, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(reservations, Limit(cancellation), async (id, _) =>
        {
            var (order, totals) = await confirmations.FindOrderAsync(id, cancellation);
            var held = (await stock.FindAsync(id)).Reservation;
            if (order is null || held is null || !order.IsOf(held.Holder, held.Lines, _ => true)) return;
            await stock.CommitAsync(
                id, [.. totals.Select(total => new CommittedTotal(total.Sku, total.Total, total.Version))]);
        });

    private static HoldRecord Record(PendingHold hold) => new(
        new(
            hold.ReservationId,
            ReservationStatus.Pending,
            Holder.Parse(hold.Holder),
            [.. hold.Lines.Select(line => new Line(line.Sku, line.Quantity))],
            hold.Deadline),
        hold.Sequence,
        hold.CreatedAt);

    private static ParallelOptions Limit(CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation };
}
