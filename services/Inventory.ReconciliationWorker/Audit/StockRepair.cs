using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Storage;
using Npgsql;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// Makes the repairs that are proven to be safe. Each repair holds the SKU's lock, reads again before it writes, and
/// leaves a movement. No repair makes more units available than is proven. Everything unproven is left to operators.
/// </summary>
public sealed class StockRepair(
    Maintenance maintenance, LevelStore levels, ConfirmationStore confirmationStore, Confirmations confirmations,
    NpgsqlDataSource ledger)
{
    /// <summary>Far longer than a repair takes. Limits how long the lock of a crashed owner blocks repairs.</summary>
    private static readonly TimeSpan LockExpiry = TimeSpan.FromSeconds(30);

    private const string ReadLocked =
        """
        SELECT stock.total, stock.version, product.max_per_customer, product.paused
        FROM inventory stock JOIN products product USING (sku_id) WHERE sku_id = $1 FOR NO KEY UPDATE OF stock
        """;

    private const string Movement =
        """
        INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
        SELECT $1, 0, 'repair', $2, coalesce(max(total), 0), coalesce(max(version), 0)
        FROM inventory WHERE sku_id = $1
        """;

    /// <summary>
    /// Sets a SKU's values in Redis to those of PostgreSQL. The row is locked meanwhile, so the repair can't overwrite
    /// a newer value of a confirm or an adjustment. Its version rises, so that change capture sends the same values
    /// again.
    /// </summary>
    public Task<Repaired?> TotalAsync(AuditRun run, string sku, CancellationToken cancellation) =>
        LockedAsync(sku, async owned =>
        {
            var repaired = await ledger.InTransactionAsync(
                async connection =>
                {
                    var level = await ReadLockedAsync(connection, sku, cancellation);
                    if (level is null) return null;
                    var outcome = await maintenance.RepairTotalAsync(owned, level);
                    if (outcome != RepairTotalOutcome.Repaired) return null;
                    await connection.ExecuteAsync(
                        "UPDATE inventory SET total = total WHERE sku_id = $1", cancellation, sku);
                    await connection.ExecuteAsync(Movement, cancellation, sku, Reference(run));
                    return level;
                },
                cancellation);
            if (repaired is null) return null;
            await levels.SetStockAsync(repaired with { Version = repaired.Version + 1 });
            return new($"Redis took over total {repaired.Total} of version {repaired.Version} from PostgreSQL.");
        });

    /// <summary>Corrects the counter of reserved units and the indices by the holds.</summary>
    /// <param name="run">The run.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="mayFree">Whether it is proven that no other hold of the SKU exists.</param>
    /// <param name="correction">
    /// For a SKU with too many holds to count in one step: what to add to the counter; otherwise 0.
    /// </param>
    /// <param name="cancellation">Cancels the call.</param>
    public Task<Repaired?> ReservedAsync(
        AuditRun run, string sku, bool mayFree, long correction, CancellationToken cancellation) =>
        LockedAsync(sku, async owned =>
        {
            var (outcome, before, after) = await maintenance.RepairReservedAsync(owned, mayFree, correction);
            if (outcome != RepairReservedOutcome.Repaired) return null;
            await MoveAsync(run, sku, cancellation);
            return new(before == after
                ? "Deadlines and leases without a hold are removed, and the SKU's place among the due ones is right."
                : $"The counter of reserved units went from {before} to {after}, the sum of the holds.");
        });

    /// <summary>
    /// Marks a reservation's row as confirmed according to its order, after the event was lost with Redis' data. No
    /// units change, so it takes no lock and leaves no movement. If the event arrives after all, its sequence number is
    /// still free.
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

    /// <summary>Restores a hold's missing index entries.</summary>
    /// <param name="run">The run.</param>
    /// <param name="hold">The hold.</param>
    /// <param name="deadline">
    /// The deadline by the ledger; null when the ledger doesn't have the hold's last
    /// event.
    /// </param>
    /// <param name="cancellation">Cancels the call.</param>
    public Task<Repaired?> HoldAsync(
        AuditRun run, HoldLook hold, DateTimeOffset? deadline, CancellationToken cancellation) =>
        LockedAsync(hold.Lines[0].Sku, async owned =>
        {
            if (await maintenance.RepairHoldAsync(owned, hold.Id, deadline) != RepairHoldOutcome.Repaired) return null;
            await MoveAsync(run, owned.Sku, cancellation);
            return new("The hold's deadline, lease and customer's entry are complete again.");
        });

    /// <summary>Restores a hold that Redis has lost, because its units were promised.</summary>
    public Task<Repaired?> RestoreAsync(
        AuditRun run, LedgerReservation row, IReadOnlyList<Line> lines, CancellationToken cancellation) =>
        LockedAsync(lines[0].Sku, async owned =>
        {
            var reservation = new Reservation(
                row.Id, ReservationStatus.Pending, Holder.Parse(row.Holder), lines, row.Deadline);
            var outcome = await maintenance.RepairLostAsync(owned, new(reservation, row.Sequence, row.CreatedAt));
            if (outcome != RepairLostOutcome.Restored) return null;
            await MoveAsync(run, owned.Sku, cancellation);
            return new("The hold is restored from the ledger, with its old deadline, and its units count once.");
        });

    /// <summary>Commits an order to Redis, which removes its hold.</summary>
    public Task<Repaired?> CommitAsync(AuditRun run, HoldLook hold, CancellationToken cancellation) =>
        LockedAsync(hold.Lines[0].Sku, async owned =>
        {
            var (order, totals) = await confirmations.FindOrderAsync(hold.Id, cancellation);
            // A client may have used an earlier order's id for another reservation: then the order isn't this hold's.
            if (order is null || !Describes(order, hold)) return null;
            var outcome = await confirmationStore.CommitAsync(hold.Id, totals);
            if (outcome != CommitOutcome.Committed) return null;
            await MoveAsync(run, owned.Sku, cancellation);
            return new($"Order {order.Id} is committed to Redis; its units can't be sold twice.");
        });

    /// <summary>Removes from customers' entries the reservations that they don't hold.</summary>
    public Task<Repaired?> UnitsAsync(
        AuditRun run, Partition partition, WrongUnits wrong, CancellationToken cancellation) =>
        LockedAsync(partition, wrong.Sku, async owned =>
        {
            var repaired = await maintenance.RepairUnitsAsync(owned, [(wrong.Bucket, wrong.Field)]);
            if (repaired is null or []) return null;
            if (wrong.Sku.Length > 0) await MoveAsync(run, wrong.Sku, cancellation);
            return new("The customer's entry lists only active holds.");
        });

    /// <summary>Sets the units that a customer has bought to the sum of the orders.</summary>
    public Task<Repaired?> BoughtAsync(AuditRun run, WrongBought wrong, CancellationToken cancellation) =>
        LockedAsync(wrong.Sku, async owned =>
        {
            var outcome = await maintenance.RepairBoughtAsync(
                owned, Holder.Parse(wrong.Owner), wrong.Seen, wrong.Right);
            if (outcome != RepairBoughtOutcome.Repaired) return null;
            await MoveAsync(run, wrong.Sku, cancellation);
            return new($"What the customer has bought went from {wrong.Seen} to {wrong.Right} units.");
        });

    /// <summary>Removes or pauses a SKU that PostgreSQL doesn't know.</summary>
    public Task<Repaired?> RetireAsync(AuditRun run, string sku, CancellationToken cancellation) =>
        LockedAsync(sku, async owned =>
        {
            var outcome = await maintenance.RetireStockAsync(owned);
            if (outcome is not (RetireOutcome.Removed or RetireOutcome.Paused)) return null;
            await MoveAsync(run, sku, cancellation);
            return outcome == RetireOutcome.Removed
                ? new("The SKU is removed from Redis: it had no holds.")
                : new("The SKU is paused in Redis: it has holds.", Resolved: false);
        });

    /// <summary>Pauses a SKU with more reserved than existing units. Only an operator resumes it.</summary>
    public Task<Repaired?> PauseAsync(AuditRun run, string sku, CancellationToken cancellation) =>
        LockedAsync(sku, _ => ledger.InTransactionAsync<Repaired?>(
            async connection =>
            {
                var paused = await connection.ExecuteAsync(
                    "UPDATE products SET paused = true WHERE sku_id = $1 AND NOT paused", cancellation, sku);
                if (paused == 0) return null;
                await connection.ExecuteAsync(Movement, cancellation, sku, Reference(run));
                return new("The SKU is paused. Decide which holds to keep, add units, and resume it.", Resolved: false);
            },
            cancellation));

    /// <summary>Adds a movement for the difference between a total and its movements.</summary>
    public Task<Repaired?> ExplainAsync(AuditRun run, LedgerLevel level, CancellationToken cancellation) =>
        LockedAsync(level.Sku, _ => ledger.InTransactionAsync<Repaired?>(
            async connection =>
            {
                var locked = await ReadLockedAsync(connection, level.Sku, cancellation);
                if (locked?.Version != level.Version || level.Explained is not { } explained) return null;
                await connection.ExecuteAsync(
                    """
                    INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
                    VALUES ($1, $2, 'external', $3, $4, $5)
                    """,
                    cancellation, level.Sku, level.Total - explained, Reference(run), level.Total, level.Version);
                return new($"it went from {explained} to {level.Total}, and has a movement now.");
            },
            cancellation));

    private Task<Repaired?> LockedAsync(string sku, Func<RepairLock, Task<Repaired?>> repair) =>
        LockedAsync(maintenance.PartitionOf(sku), sku, repair);

    private async Task<Repaired?> LockedAsync(
        Partition partition, string sku, Func<RepairLock, Task<Repaired?>> repair)
    {
        // Another instance that has the lock makes the same repair; the next run finds what is left.
        if (await maintenance.TryLockRepairAsync(partition, sku, LockExpiry) is not { } owned) return null;
        try
        {
            return await repair(owned);
        }
        finally
        {
            await maintenance.UnlockRepairAsync(owned);
        }
    }

    private Task<int> MoveAsync(AuditRun run, string sku, CancellationToken cancellation) =>
        ledger.ExecuteAsync(Movement, cancellation, sku, Reference(run));

    private static string Reference(AuditRun run) => $"audit run {run.Id}";

    private static bool Describes(Order order, HoldLook hold) =>
        order.Holder == hold.Holder?.Text
        && order.Items.Select(item => (item.SkuId, item.Quantity)).Order()
            .SequenceEqual(hold.Lines.Select(line => (line.Sku, line.Quantity)).Order());

    private static async Task<StockLevel?> ReadLockedAsync(
        NpgsqlConnection connection, string sku, CancellationToken cancellation) =>
        (await connection.ReadAsync(
            ReadLocked,
            row => new StockLevel(
                sku, row.GetInt32(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetInt32(2), row.GetBoolean(3)),
            cancellation, sku)).SingleOrDefault();
}
