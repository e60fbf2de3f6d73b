using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>Rebuilds one SKU of Redis from PostgreSQL and its holds, while the other SKUs are sold.</summary>
/// <remarks>
/// It is the rebuild of a partition (<see cref="StockRebuild"/>) restricted to a SKU, by the same scripts. Behind the
/// fence of the SKU none of its holds changes, and PostgreSQL has stored every event about them. So a hold is what
/// either store says by its later event. Everything is read before anything is written: until then the SKU can be
/// opened as it was. From the first write on it stays closed until the last one, also if this process dies.
/// <para>A hold with several lines can't change either, but the counters of its other SKUs do. Each step therefore
/// writes all lines of a hold at once: a removed hold returns the units of all lines, a restored one reserves them. If
/// the counter of another SKU still included the lost hold, it has its units twice until the audit compares it with its
/// holds and repairs that SKU too. That can't oversell.</para>
/// <para>An order may be written at any time for a hold that is confirming. Such a hold is kept, and its order isn't
/// counted here: its commit counts it, after the SKU is open.</para>
/// </remarks>
public sealed class SkuRebuild(Maintenance maintenance, HoldRows rows, Confirmations confirmations)
{
    /// <summary>Holds of one script call: it blocks Redis for a few milliseconds.</summary>
    private const int Batch = 200;

    /// <summary>What the two stores have of a SKU.</summary>
    /// <param name="Holds">Its holds as they should be: kept or lost.</param>
    /// <param name="Outdated">Holds in Redis that have ended, or have a later state.</param>
    /// <param name="Strays">Values among the holds that are none.</param>
    /// <param name="Bought">What its customers have bought, if it has a limit.</param>
    public sealed record Plan(
        IReadOnlyList<HoldRecord> Holds, IReadOnlyList<OutdatedHold> Outdated, IReadOnlyList<Stray> Strays,
        IReadOnlyList<BoughtUnits> Bought);

    /// <summary>What a rebuild has changed.</summary>
    /// <param name="Holds">Number of holds of the SKU.</param>
    /// <param name="Restored">Number of restored holds.</param>
    /// <param name="Removed">Number of removed holds.</param>
    /// <param name="Bought">Number of corrected counts of what customers have bought.</param>
    /// <param name="Level">PostgreSQL's level; null if it doesn't know the SKU.</param>
    /// <param name="Reserved">The counter of reserved units, as text.</param>
    /// <param name="Retired">What became of a SKU that PostgreSQL doesn't know.</param>
    public sealed record Result(
        int Holds, int Restored, int Removed, int Bought, StockLevel? Level, string Reserved, FenceSkuOutcome? Retired);

    /// <summary>Reads both stores. Changes nothing.</summary>
    public async Task<Plan> ReadAsync(RebuildScope scope, CancellationToken cancellation)
    {
        var (partition, sku) = (scope.Partition, scope.Sku!);
        var (kept, holds, outdated, strays) =
            (new KeptHolds(), new List<HoldRecord>(), new List<OutdatedHold>(), new List<Stray>());
        var (confirming, others) = (new List<Guid>(), new HashSet<Guid>());
        await foreach (var page in maintenance.ReadHoldsAsync(partition, cancellation))
        {
            var own = page.Holds.Where(part => part.Hold.Lines.Any(line => line.Sku == sku)).ToList();
            others.UnionWith(page.Holds.Select(part => part.ReservationId));
            Guid[] ids =
            [
                .. own.Select(part => part.ReservationId),
                .. page.Corrupt.Select(one => one.ReservationId).OfType<Guid>(),
            ];
            var known = ids.Length > 0 ? await rows.FindAsync(partition.Index, ids, cancellation) : [];
            var ended = await WithoutForeignOrdersAsync(partition, kept, own, kept.AddAll(own, known), cancellation);
            outdated.AddRange(ended);
            strays.AddRange(page.Corrupt.Where(one => !IsPending(one, known)).Select(one => one.Stray));
            foreach (var part in own.Where(part => kept.Has(part.ReservationId)))
            {
                holds.Add(RecordOf(part, known));
                if (part.Hold.Confirming) confirming.Add(part.ReservationId);
            }
        }

        var lost = new List<HoldRecord>();
        await foreach (var page in rows.ReadPendingAsync(partition.Index, sku, cancellation))
        {
            lost.AddRange(page.Where(hold => !kept.Has(hold.ReservationId)).Select(HoldRebuild.RecordOf));
        }

        // When the text of a hold names other SKUs than its row, the hold was changed by hand.
        others.ExceptWith(kept.All);
        others.ExceptWith(outdated.Select(hold => hold.ReservationId));
        outdated.AddRange(lost
            .Where(hold => others.Contains(hold.Reservation.Id))
            .Select(hold => new OutdatedHold(hold.Reservation.Id, hold.Sequence, HoldEnd.NotEnded)));

        // The order of a lost hold may be written now as well, if it was confirming.
        Guid[] uncounted = [.. confirming, .. lost.Select(hold => hold.Reservation.Id)];
        var bought = await rows.ReadBoughtAsync(uncounted, sku, cancellation).ToListAsync(cancellation);
        return new([.. holds, .. lost], outdated, strays, bought);
    }

    /// <summary>Writes the SKU's holds, what is derived from them, and its level, and opens it.</summary>
    /// <param name="scope">The closed SKU.</param>
    /// <param name="plan">The result of <see cref="ReadAsync"/>, read since the SKU was closed.</param>
    /// <param name="record">Called before the SKU is opened.</param>
    /// <param name="cancellation">Cancels the call; the SKU then stays closed.</param>
    /// <exception cref="SkuFenceLostException">Another repair or a rebuild has taken over.</exception>
    public async Task<Result> WriteAsync(
        RebuildScope scope, Plan plan, Func<Task> record, CancellationToken cancellation)
    {
        var (restored, removed, bought) = (0, 0, 0);
        await maintenance.DropStraysAsync(scope.Partition, plan.Strays);
        foreach (var batch in plan.Outdated.Chunk(Batch)) removed += await maintenance.DropHoldsAsync(scope, batch);
        await maintenance.ClearSkuAsync(scope);
        foreach (var batch in plan.Holds.Chunk(Batch))
        {
            cancellation.ThrowIfCancellationRequested();
            restored += (await maintenance.LoadHoldsAsync(scope, batch)).Restored;
        }

        foreach (var batch in plan.Bought.Chunk(Batch))
        {
            bought += await maintenance.LoadUnitsAsync(
                scope, [.. batch.Select(one => (one.Owner, one.Sku, one.Units))]);
        }

        await record();
        var (level, reserved) = await OpenAsync(scope, cancellation);
        FenceSkuOutcome? retired = level is null ? await maintenance.RetireSkuAsync(scope) : null;
        return new(plan.Holds.Count, restored, removed, bought, level, reserved, retired);
    }

    /// <summary>Sets the level, which opens the SKU; does nothing if PostgreSQL doesn't know it.</summary>
    private async Task<(StockLevel? Level, string Reserved)> OpenAsync(
        RebuildScope scope, CancellationToken cancellation)
    {
        // Redis has a higher version if the total has changed since it was read here; then it is read again. If
        // PostgreSQL still has a lower one, it was restored from a backup, or Redis was changed by hand.
        for (long overwritable = 0; ;)
        {
            var level = (await rows.ReadLevelsAsync([scope.Sku!], cancellation)).SingleOrDefault();
            if (level is null) return (null, "0");
            var loaded = await maintenance.LoadStockAsync(scope, [new(level, Reserved: null, overwritable)]);
            if (loaded.Newer.Count == 0) return (level, loaded.Reserved);
            overwritable = loaded.Newer[0].Version;
        }
    }

    /// <summary>Keeps a pending hold if the order with its id belongs to another reservation.</summary>
    private async Task<List<OutdatedHold>> WithoutForeignOrdersAsync(
        Partition partition, KeptHolds kept, List<HeldPart> parts, List<OutdatedHold> outdated,
        CancellationToken cancellation)
    {
        var ended = new List<OutdatedHold>();
        foreach (var one in outdated)
        {
            var part = parts.First(part => part.ReservationId == one.ReservationId);
            if (one.End != HoldEnd.Ordered || await IsOrderOfAsync(partition, part, cancellation)) ended.Add(one);
            else kept.Add(part);
        }

        return ended;
    }

    private async Task<bool> IsOrderOfAsync(Partition partition, HeldPart part, CancellationToken cancellation)
    {
        var (order, _) = await confirmations.FindOrderAsync(part.ReservationId, cancellation);
        return order!.IsOf(
            part.Hold.Holder, part.Hold.Lines, sku => maintenance.PartitionOf(sku) == partition);
    }

    private static bool IsPending(CorruptHold value, Dictionary<Guid, KnownHold> known) =>
        value.ReservationId is { } id && known.TryGetValue(id, out var row)
        && row is { Status: ReservationStatusNames.Pending, HasOrder: false };

    /// <summary>A hold that is kept. Its text may lack the deadline, if it was written by an early version.</summary>
    private static HoldRecord RecordOf(HeldPart part, Dictionary<Guid, KnownHold> known) => HoldRebuild.RecordOf(
        part,
        part.Hold.Deadline == DateTimeOffset.UnixEpoch && known.TryGetValue(part.ReservationId, out var row)
            ? row.Deadline
            : null);
}
