using Inventory.Ledger;
using Inventory.Stock;
using Npgsql;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>
/// The repairs that are provably safe. Each one is made by the owner of the SKU's lock, looks again before it writes,
/// and leaves a movement. None makes more available than is proven; what can't be proven is left to people.
/// </summary>
public sealed class StockRepair(StockEngine stock, Confirmations confirmations, NpgsqlDataSource ledger)
{
    /// <summary>Far more than a repair takes. An owner that died is in nobody's way for longer.</summary>
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
    /// Makes Redis say what PostgreSQL says. The row is locked meanwhile, so no confirm or adjustment can be overtaken;
    /// its version rises, so that change capture carries the same once more.
    /// </summary>
    public Task<Repaired?> TotalAsync(AuditRun run, string sku, CancellationToken cancellation) =>
        LockedAsync(sku, async owned =>
        {
            await using var connection = await ledger.OpenConnectionAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            var level = await ReadLockedAsync(connection, sku, cancellation);
            if (level is null) return null;
            var outcome = await stock.RepairTotalAsync(owned, level);
            if (outcome != RepairTotalOutcome.Repaired) return null;
            await ExecuteAsync(
                connection, "UPDATE inventory SET total = total WHERE sku_id = $1", cancellation, sku);
            await ExecuteAsync(connection, Movement, cancellation, sku, Reference(run));
            await transaction.CommitAsync(cancellation);
            await stock.SetStockAsync(level with { Version = level.Version + 1 });
            return new($"Redis took over total {level.Total} of version {level.Version} from PostgreSQL.");
        });

    /// <summary>Makes the counter of reserved units, and the indices, agree with the holds.</summary>
    /// <param name="run">The run.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="mayFree">Whether it is proven that no hold stands elsewhere.</param>
    /// <param name="correction">For a SKU with very many holds: what to add to the counter; 0 otherwise.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public Task<Repaired?> ReservedAsync(
        AuditRun run, string sku, bool mayFree, long correction, CancellationToken cancellation) =>
        LockedAsync(sku, async owned =>
        {
            var (outcome, before, after) = await stock.RepairReservedAsync(owned, mayFree, correction);
            if (outcome != RepairReservedOutcome.Repaired) return null;
            await MoveAsync(run, sku, cancellation);
            return new(before == after
                ? "Deadlines and leases without a hold are removed, and the SKU's place among the due ones is right."
                : $"The counter of reserved units went from {before} to {after}, the sum of the holds.");
        });

    /// <summary>
    /// Ends a reservation's row as its order says, where the event was lost with the data of Redis. No units are
    /// concerned, so no lock is, and there is no movement. An event that comes after all finds its number unused.
    /// </summary>
    public async Task<Repaired?> EndAsync(LedgerReservation row, CancellationToken cancellation)
    {
        await using var connection = await ledger.OpenConnectionAsync(cancellation);
        var ended = await ExecuteAsync(
            connection,
            """
            UPDATE reservations SET status = 'confirmed', updated_at = now()
            WHERE reservation_id = $1 AND partition = $2 AND sequence = $3 AND status = 'pending'
                AND EXISTS (SELECT FROM orders WHERE reservation_id = $1)
            """,
            cancellation, row.Id, row.Partition, row.Sequence);
        return ended == 1 ? new("The reservation is confirmed, as its order says; its history lacks the event.") : null;
    }

    /// <summary>Puts a hold back wherever it has to stand.</summary>
    /// <param name="run">The run.</param>
    /// <param name="hold">The hold.</param>
    /// <param name="deadline">By the ledger; null when the ledger doesn't know the hold's last event.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public Task<Repaired?> HoldAsync(
        AuditRun run, HoldLook hold, DateTimeOffset? deadline, CancellationToken cancellation) =>
        LockedAsync(hold.Lines[0].Sku, async owned =>
        {
            if (await stock.RepairHoldAsync(owned, hold.Id, deadline) != RepairHoldOutcome.Repaired) return null;
            await MoveAsync(run, owned.Sku, cancellation);
            return new("The hold stands again wherever it has to: deadline, lease and what its customer has.");
        });

    /// <summary>Brings a hold back that Redis has lost: its units were promised.</summary>
    public Task<Repaired?> RestoreAsync(
        AuditRun run, LedgerReservation row, IReadOnlyList<Line> lines, CancellationToken cancellation) =>
        LockedAsync(lines[0].Sku, async owned =>
        {
            var reservation = new Reservation(
                row.Id, ReservationStatus.Pending, Holder.Parse(row.Holder), lines, row.Deadline);
            var outcome = await stock.RepairLostAsync(owned, new(reservation, row.Sequence, row.CreatedAt));
            if (outcome != RepairLostOutcome.Restored) return null;
            await MoveAsync(run, owned.Sku, cancellation);
            return new("The hold is back as the ledger knows it, with its old deadline, and its units count once.");
        });

    /// <summary>Makes a hold that has become an order leave Redis.</summary>
    public Task<Repaired?> CommitAsync(AuditRun run, HoldLook hold, CancellationToken cancellation) =>
        LockedAsync(hold.Lines[0].Sku, async owned =>
        {
            var (order, totals) = await confirmations.FindOrderAsync(hold.Id, cancellation);
            // An id that a client used for something else: the order isn't this hold's.
            if (order is null || !Describes(order, hold)) return null;
            var outcome = await stock.CommitAsync(
                hold.Id, [.. totals.Select(total => new CommittedTotal(total.Sku, total.Total, total.Version))]);
            if (outcome != CommitOutcome.Committed) return null;
            await MoveAsync(run, owned.Sku, cancellation);
            return new($"Redis has taken note of order {order.Id}; its units can't be sold twice.");
        });

    /// <summary>Takes off customers' accounts what they don't hold.</summary>
    public Task<Repaired?> UnitsAsync(
        AuditRun run, Partition partition, WrongUnits wrong, CancellationToken cancellation) =>
        LockedAsync(partition, wrong.Sku, async owned =>
        {
            var repaired = await stock.RepairUnitsAsync(owned, [(wrong.Bucket, wrong.Field)]);
            if (repaired is null or []) return null;
            if (wrong.Sku.Length > 0) await MoveAsync(run, wrong.Sku, cancellation);
            return new("The customer's account lists only what is held.");
        });

    /// <summary>Makes what a customer has bought what the orders say.</summary>
    public Task<Repaired?> BoughtAsync(AuditRun run, WrongBought wrong, CancellationToken cancellation) =>
        LockedAsync(wrong.Sku, async owned =>
        {
            var outcome = await stock.RepairBoughtAsync(owned, Holder.Parse(wrong.Owner), wrong.Seen, wrong.Right);
            if (outcome != RepairBoughtOutcome.Repaired) return null;
            await MoveAsync(run, wrong.Sku, cancellation);
            return new($"What the customer has bought went from {wrong.Seen} to {wrong.Right} units.");
        });

    /// <summary>Stops the sale of what PostgreSQL doesn't know.</summary>
    public Task<Repaired?> RetireAsync(AuditRun run, string sku, CancellationToken cancellation) =>
        LockedAsync(sku, async owned =>
        {
            var outcome = await stock.RetireStockAsync(owned);
            if (outcome is not (RetireOutcome.Removed or RetireOutcome.Paused)) return null;
            await MoveAsync(run, sku, cancellation);
            return outcome == RetireOutcome.Removed
                ? new("The SKU is removed from Redis: nobody held any of it.")
                : new("The SKU is paused in Redis: it has holds.", Resolved: false);
        });

    /// <summary>Stops a sale that has promised more than there is. It takes a person to resume it.</summary>
    public Task<Repaired?> PauseAsync(AuditRun run, string sku, CancellationToken cancellation) =>
        LockedAsync(sku, async _ =>
        {
            await using var connection = await ledger.OpenConnectionAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            var paused = await ExecuteAsync(
                connection, "UPDATE products SET paused = true WHERE sku_id = $1 AND NOT paused", cancellation, sku);
            if (paused == 0) return null;
            await ExecuteAsync(connection, Movement, cancellation, sku, Reference(run));
            await transaction.CommitAsync(cancellation);
            return new("The SKU is paused. Decide which holds to keep, add units, and resume it.", Resolved: false);
        });

    /// <summary>Writes down the difference between a total and what its movements explain.</summary>
    public Task<Repaired?> ExplainAsync(AuditRun run, LedgerLevel level, CancellationToken cancellation) =>
        LockedAsync(level.Sku, async _ =>
        {
            await using var connection = await ledger.OpenConnectionAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            var locked = await ReadLockedAsync(connection, level.Sku, cancellation);
            if (locked?.Version != level.Version || level.Explained is not { } explained) return null;
            await ExecuteAsync(
                connection,
                """
                INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
                VALUES ($1, $2, 'external', $3, $4, $5)
                """,
                cancellation, level.Sku, level.Total - explained, Reference(run), level.Total, level.Version);
            await transaction.CommitAsync(cancellation);
            return new($"it went from {explained} to {level.Total}, and has a movement now.");
        });

    private Task<Repaired?> LockedAsync(string sku, Func<RepairLock, Task<Repaired?>> repair) =>
        LockedAsync(stock.PartitionOf(sku), sku, repair);

    private async Task<Repaired?> LockedAsync(
        Partition partition, string sku, Func<RepairLock, Task<Repaired?>> repair)
    {
        // Whoever has it repairs the same; the next run sees what is left.
        if (await stock.TryLockRepairAsync(partition, sku, LockExpiry) is not { } owned) return null;
        try
        {
            return await repair(owned);
        }
        finally
        {
            await stock.UnlockRepairAsync(owned);
        }
    }

    private async Task MoveAsync(AuditRun run, string sku, CancellationToken cancellation)
    {
        await using var connection = await ledger.OpenConnectionAsync(cancellation);
        await ExecuteAsync(connection, Movement, cancellation, sku, Reference(run));
    }

    private static string Reference(AuditRun run) => $"audit run {run.Id}";

    private static bool Describes(Order order, HoldLook hold) =>
        order.Holder == hold.Holder?.Text
        && order.Items.Select(item => (item.SkuId, item.Quantity)).Order()
            .SequenceEqual(hold.Lines.Select(line => (line.Sku, line.Quantity)).Order());

    private static async Task<StockTotal?> ReadLockedAsync(
        NpgsqlConnection connection, string sku, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(ReadLocked, connection) { Parameters = { new() { Value = sku } } };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation)) return null;
        return new(
            sku, row.GetInt32(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetInt32(2), row.GetBoolean(3));
    }

    private static async Task<int> ExecuteAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
