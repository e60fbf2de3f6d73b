using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>Brings a partition's holds, and the counts derived from them, in line with the ledger.</summary>
/// <remarks>
/// Invariants: a hold that PostgreSQL doesn't know is kept, because its events may not be stored yet; a hold for which
/// PostgreSQL has a later state gets that state; a pinned hold with an order is left to <see cref="PinResolver"/>. An
/// unreadable hold counts as missing: it is removed, and restored from PostgreSQL.
/// </remarks>
public sealed class HoldRebuild(
    HoldStore holds, ConfirmationStore confirmationStore, Maintenance maintenance, HoldRows rows, StockLevels levels,
    Confirmations confirmations)
{
    /// <summary>SKUs or holds of one script call: it blocks Redis for a few milliseconds.</summary>
    private const int Batch = 200;

    /// <summary>
    /// How much older than a previous event an order may appear: the longest lease, and clocks that differ.
    /// </summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Number of parallel script calls. Redis executes one at a time; the others hide the network latency.
    /// </summary>
    private const int AtOnce = 4;

    /// <summary>Removes holds that have ended or changed, and adds up the kept ones.</summary>
    /// <returns>The kept holds.</returns>
    internal async Task<KeptHolds> DropAsync(
        Partition partition, RebuildProgress progress, CancellationToken cancellation)
    {
        var kept = new KeptHolds();
        await Parallel.ForEachAsync(
            maintenance.ReadHoldsAsync(partition, cancellation), Limit(cancellation), async (page, _) =>
            {
                await maintenance.DropStraysAsync(partition, page.Corrupt.Select(one => one.Stray));
                progress.AddCorrupt(page.Corrupt);
                var known = await rows.FindAsync(
                    partition.Index, [.. page.Holds.Select(part => part.ReservationId)], cancellation);
                foreach (var batch in kept.AddAll(page.Holds, known).Chunk(Batch))
                {
                    progress.AddDropped(await maintenance.DropHoldsAsync(partition, batch));
                }
            });
        return kept;
    }

    /// <summary>Sets every total to PostgreSQL's, and reserved units to the sum of their holds.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="kept">The kept holds; null when the reserved units are known to be right.</param>
    /// <param name="progress">Records the progress.</param>
    /// <param name="cancellation">Cancels the load, which may then be incomplete.</param>
    internal async Task LoadTotalsAsync(
        Partition partition, KeptHolds? kept, RebuildProgress progress, CancellationToken cancellation)
    {
        progress.Step = "loads totals";
        var partitions = maintenance.Partitions.Count;
        var own = levels.ReadAllAsync(cancellation: cancellation)
            .Where(level => Names.IsSku(level.Sku) && Partition.Of(level.Sku, partitions) == partition);
        await Parallel.ForEachAsync(own.Chunk(Batch), Limit(cancellation), async (batch, _) =>
        {
            var loaded = await maintenance.LoadStockAsync(partition, [.. batch.Select(level => Rebuilt(level, 0))]);
            progress.AddTotals(batch.Length, loaded.Corrected);
            if (loaded.Newer.Count == 0) return;
            // The levels are read again, because they may have changed in between. If a version is still lower than in
            // Redis, PostgreSQL was restored from a backup.
            var seen = loaded.Newer.ToDictionary(newer => newer.Sku, newer => newer.Version, StringComparer.Ordinal);
            var again = await rows.ReadLevelsAsync([.. seen.Keys], cancellation);
            await maintenance.LoadStockAsync(partition, [.. again.Select(level => Rebuilt(level, seen[level.Sku]))]);
        });

        RebuiltStock Rebuilt(StockLevel level, long overwritable) => new(
            new(level.Sku, level.Total, level.Version, level.MaxPerCustomer, level.Paused),
            kept?.ReservedOf(level.Sku),
            overwritable);
    }

    /// <summary>
    /// Writes what kept holds lack of deadlines, leases and units, after a key that they share was lost. That includes
    /// confirming holds with an order, and holds that a script had only half written.
    /// </summary>
    internal async Task CompleteAsync(
        Partition partition, KeptHolds kept, RebuildProgress progress, CancellationToken cancellation)
    {
        progress.Step = "completes holds";
        await Parallel.ForEachAsync(
            maintenance.ReadHoldsAsync(partition, cancellation), Limit(cancellation), async (page, _) =>
            {
                foreach (var batch in page.Holds.Where(part => kept.Has(part.ReservationId)).Chunk(Batch))
                {
                    await maintenance.LoadHoldsAsync(partition, [.. batch.Select(part => RecordOf(part))]);
                }
            });
    }

    /// <summary>Restores the holds that Redis lacks.</summary>
    internal async Task RestoreAsync(
        Partition partition, KeptHolds kept, RebuildProgress progress, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(
            rows.ReadPendingAsync(partition.Index, sku: null, cancellation), Limit(cancellation), async (page, _) =>
            {
                foreach (var batch in page.Where(hold => !kept.Has(hold.ReservationId)).Chunk(Batch))
                {
                    var loaded = await maintenance.LoadHoldsAsync(partition, [.. batch.Select(RecordOf)]);
                    progress.AddRestored(loaded.Restored, loaded.Unknown);
                }
            });

    /// <summary>
    /// Sets the bought units of SKUs with a limit. An order is not counted here while its hold is still pinned, because
    /// its commit counts it.
    /// </summary>
    internal async Task CountBoughtAsync(
        Partition partition, KeptHolds kept, RebuildProgress progress, CancellationToken cancellation)
    {
        var partitions = maintenance.Partitions.Count;
        var own = rows.ReadBoughtAsync([.. kept.Ordered], sku: null, cancellation)
            .Where(bought => Names.IsSku(bought.Sku) && Partition.Of(bought.Sku, partitions) == partition);
        await foreach (var batch in own.Chunk(Batch).WithCancellation(cancellation))
        {
            progress.AddUnits(await maintenance.LoadUnitsAsync(
                partition, [.. batch.Select(bought => (bought.Owner, bought.Sku, bought.Units))]));
        }
    }

    /// <summary>Orders for which Redis may have lost the confirmed event or the pin.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="stored">The last stored event.</param>
    /// <param name="cancellation">Cancels the read.</param>
    internal Task<List<Guid>> FindUnheardAsync(Partition partition, string stored, CancellationToken cancellation) =>
        rows.FindUnheardAsync(partition.Index, StreamIds.TimeOf(stored) - Margin, cancellation);

    /// <summary>
    /// Commits orders without a confirmed event. Redis may have lost the end of a hold with its machine, and also the
    /// pin, without which the hold would expire.
    /// </summary>
    internal async Task CommitAsync(IReadOnlyList<Guid> reservations, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(reservations, Limit(cancellation), async (id, _) =>
        {
            var (order, totals) = await confirmations.FindOrderAsync(id, cancellation);
            var held = (await holds.FindAsync(id)).Reservation;
            if (order is null || held is null || !order.IsOf(held.Holder, held.Lines, _ => true)) return;
            await confirmationStore.CommitAsync(id, totals);
        });

    /// <param name="part">A hold as Redis has it.</param>
    /// <param name="deadline">Its deadline, where the one in Redis isn't known.</param>
    internal static HoldRecord RecordOf(HeldPart part, DateTimeOffset? deadline = null) => new(
        new(
            part.ReservationId,
            ReservationStatus.Pending,
            part.Hold.Holder,
            part.Hold.Lines,
            deadline ?? part.Hold.Deadline),
        part.Hold.Sequence,
        part.Hold.CreatedAt);

    internal static HoldRecord RecordOf(PendingHold hold) => new(
        new(
            hold.ReservationId,
            ReservationStatus.Pending,
            Holder.Parse(hold.Holder),
            hold.Lines,
            hold.Deadline),
        hold.Sequence,
        hold.CreatedAt);

    private static ParallelOptions Limit(CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation };
}
