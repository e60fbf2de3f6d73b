using System.Globalization;
using Inventory.Contracts;
using Inventory.ReconciliationWorker.Rebuild;
using Inventory.Stock;
using Inventory.Storage;
using Npgsql;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// Makes the audit's repairs. What is wrong in Redis has one repair: the SKU is closed alone, rebuilt from PostgreSQL
/// and its holds, and opened. No repair makes more units available than is proven. What only a person can decide is
/// left to operators.
/// </summary>
public sealed class StockRepair(
    Maintenance maintenance, SkuRebuild rebuild, LedgerReading reading, AuditSession session, NpgsqlDataSource ledger,
    TimeProvider time)
{
    // The materializer is a few milliseconds behind, and the SKU is closed meanwhile.
    private static readonly TimeSpan StoredPoll = TimeSpan.FromMilliseconds(10);

    private const string Movement =
        """
        INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
        SELECT $1, 0, 'repair', $2, coalesce(max(total), 0), coalesce(max(version), 0)
        FROM inventory WHERE sku_id = $1
        """;

    /// <summary>Rebuilds a SKU from PostgreSQL and its holds: once for all findings of the SKU in a phase.</summary>
    /// <returns>
    /// Null when PostgreSQL doesn't have all events, so that nothing is proven yet. The SKU is tried again after
    /// <see cref="AuditOptions.Patience"/>. Null too for a name that no SKU may have: what change capture refuses, no
    /// repair writes.
    /// </returns>
    public async Task<Repaired?> SkuAsync(AuditRun run, string sku, CancellationToken cancellation)
    {
        if (!Names.IsSku(sku)) return null;
        // What a later phase proves was read after that rebuild.
        if (run.Rebuilt.TryGetValue(sku, out var before)
            && (before.Repair is null ? !session.IsPatienceOver(before.At) : before.Phase == run.Phase))
        {
            return before.Repair;
        }

        var repaired = await RebuildAsync(run, sku, cancellation);
        run.Rebuilt[sku] = (run.Phase, repaired, session.Now());
        return repaired;
    }

    private async Task<Repaired?> RebuildAsync(AuditRun run, string sku, CancellationToken cancellation)
    {
        // 1. Make sure that the materializer works, so that a SKU isn't closed in vain.
        var partition = maintenance.PartitionOf(sku);
        if (!await WaitUntilStoredAsync(run, partition, cancellation))
        {
            session.Undecided(run, 1);
            return null;
        }

        // 2. Close the SKU, and wait until PostgreSQL has every event about its holds.
        var since = time.GetTimestamp();
        if (await maintenance.CloseSkuAsync(sku) is not { } closed) throw new FenceDownException();
        SkuRebuild.Plan? plan = null;
        try
        {
            if (await WaitUntilStoredAsync(run, partition, cancellation))
            {
                // 3. Read both stores.
                plan = await rebuild.ReadAsync(closed.Scope, cancellation);
            }
        }
        finally
        {
            // What could not be read, or what an earlier repair has begun, stays closed.
            if (plan is null && closed.MayReopen) await maintenance.ReopenSkuAsync(closed.Scope);
        }

        if (plan is null)
        {
            session.Undecided(run, 1);
            return null;
        }

        // 4. Write Redis, leave a movement, and open the SKU.
        try
        {
            var result = await rebuild.WriteAsync(
                closed.Scope, plan, () => ledger.ExecuteAsync(Movement, cancellation, sku, Reference(run)),
                cancellation);
            return Describe(closed, result, time.GetElapsedTime(since));
        }
        catch (SkuFenceLostException)
        {
            // Another instance repairs the SKU, or rebuilds its partition; the next run finds what is left.
            return null;
        }
        catch (CorruptDataException)
        {
            // A manual change of Redis came during the repair. The SKU stays closed; the next run repeats the repair.
            session.Undecided(run, 1);
            return null;
        }
    }

    /// <summary>Removes what belongs to no hold. No SKU has to be closed for that.</summary>
    /// <param name="run">The run.</param>
    /// <param name="partition">The partition.</param>
    /// <param name="strays">What to remove; what does belong to a hold stays.</param>
    /// <param name="sku">The SKU that they name; empty where it is unknown.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task<Repaired?> StraysAsync(
        AuditRun run, Partition partition, IEnumerable<Stray> strays, string sku, CancellationToken cancellation)
    {
        var removed = await maintenance.DropStraysAsync(partition, strays);
        if (removed == 0) return null;
        if (sku.Length > 0) await ledger.ExecuteAsync(Movement, cancellation, sku, Reference(run));
        return new($"{Count(removed, "entry", "entries")} without a hold removed.");
    }

    /// <summary>
    /// Marks a reservation's row as confirmed according to its order, after the event was lost with Redis' data. No
    /// units change, so it leaves no movement. If the event arrives after all, its sequence number is still free.
    /// </summary>
    public async Task<Repaired?> EndAsync(LedgerReservation row, CancellationToken cancellation)
    {
        var ended = await ledger.ExecuteAsync(
            """
            UPDATE reservations SET status = 'confirmed', updated_at = now()
            WHERE reservation_id = $1 AND partition = $2 AND sequence = $3 AND status = 'pending'
                AND EXISTS (SELECT FROM orders WHERE reservation_id = $1)
            """,
            cancellation, row.Id, row.Partition, row.Sequence);
        return ended == 1 ? new("The reservation is confirmed, as its order says; its history lacks the event.") : null;
    }

    /// <summary>Pauses a SKU with more reserved than existing units. Only an operator resumes it.</summary>
    public async Task<Repaired?> PauseAsync(AuditRun run, string sku, CancellationToken cancellation)
    {
        var paused = await ledger.ExecuteAsync(
            $"""
            WITH paused AS (UPDATE products SET paused = true WHERE sku_id = $1 AND NOT paused RETURNING sku_id)
            {Movement} AND EXISTS (SELECT FROM paused) HAVING count(*) > 0
            """,
            cancellation, sku, Reference(run));
        return paused == 1
            ? new("The SKU is paused. Decide which holds to keep, add units, and resume it.", Resolved: false)
            : null;
    }

    /// <summary>Adds a movement for the difference between a total and its movements.</summary>
    public async Task<Repaired?> ExplainAsync(AuditRun run, LedgerLevel level, CancellationToken cancellation)
    {
        if (level.Explained is not { } explained) return null;
        // The lock keeps the total as it is until the movement is written.
        var written = await ledger.ExecuteAsync(
            """
            WITH level AS (SELECT FROM inventory WHERE sku_id = $1 AND version = $5 FOR NO KEY UPDATE)
            INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
            SELECT $1, $2, 'external', $3, $4, $5 FROM level
            """,
            cancellation, level.Sku, level.Total - explained, Reference(run), level.Total, level.Version);
        return written == 1 ? new($"it went from {explained} to {level.Total}, and has a movement now.") : null;
    }

    /// <summary>
    /// Whether PostgreSQL has every event about holds up to now. Events about stock began as rows of PostgreSQL.
    /// </summary>
    private async Task<bool> WaitUntilStoredAsync(AuditRun run, Partition partition, CancellationToken cancellation)
    {
        var stored = await reading.ReadPositionAsync(partition.Index, cancellation);
        return await maintenance.ReadNewestHoldEventAsync(partition, stored) is not { } newest
            || await session.WaitUntilStoredAsync(run, partition.Index, newest, cancellation, StoredPoll);
    }

    private static Repaired Describe(ClosedSku closed, SkuRebuild.Result result, TimeSpan took)
    {
        if (result.Retired is { } retired)
        {
            return retired == FenceSkuOutcome.Removed
                ? new("The SKU is removed from Redis: it had no holds.")
                : new("The SKU is paused in Redis: it has holds.", Resolved: false);
        }

        var total = result.Level!.Total.ToString(CultureInfo.InvariantCulture);
        List<string> done =
        [
            $"total {total}{Was(closed.Total, total)}",
            $"reserved {result.Reserved}{Was(closed.Reserved, result.Reserved)} in "
                + Count(result.Holds, "hold", "holds"),
        ];
        if (result.Restored > 0) done.Add($"{Count(result.Restored, "hold", "holds")} restored");
        if (result.Removed > 0) done.Add($"{Count(result.Removed, "hold", "holds")} removed that had ended");
        if (result.Bought > 0) done.Add($"{Count(result.Bought, "count", "counts")} of bought units corrected");
        return new(string.Create(
            CultureInfo.InvariantCulture,
            $"The SKU was closed for {took.TotalMilliseconds:0} ms and rebuilt from PostgreSQL and its holds: "
                + $"{string.Join(", ", done)}."));
    }

    private static string Was(string before, string after) =>
        before == after ? "" : before == "-" ? " (there was none)" : $" (was {before})";

    private static string Count(int number, string one, string many) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : many)}");

    private static string Reference(AuditRun run) => $"audit run {run.Id}";
}
