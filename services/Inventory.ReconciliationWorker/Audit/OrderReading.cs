using Inventory.Ledger;
using Inventory.Storage;
using Npgsql;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>The units that an owner has bought of a SKU with a limit, by the orders at one moment.</summary>
/// <param name="Owner">The owner of the limit, in the form that Redis stores.</param>
/// <param name="Sku">The SKU.</param>
/// <param name="Units">Units in orders that are not cancelled.</param>
/// <param name="IsSettled">Whether every cancelled order among them was cancelled long ago.</param>
public sealed record LedgerBought(string Owner, string Sku, long Units, bool IsSettled);

/// <summary>An order that disagrees with its movements.</summary>
/// <param name="Order">The order, or an id that movements name as one.</param>
/// <param name="Sku">The SKU.</param>
/// <param name="Ordered">Units sold, 0 once the order is cancelled.</param>
/// <param name="Moved">The sum of its movements; below 0 for units sold.</param>
public sealed record WrongOrder(Guid Order, string Sku, long Ordered, long Moved);

/// <summary>What audits read about orders, in pages in the order of an index. Each page is one statement.</summary>
public sealed class OrderReading(NpgsqlDataSource source)
{
    private const string Owners =
        $"SELECT DISTINCT {Orders.OwnerSql} AS owner FROM orders WHERE {Orders.OwnerSql} > $1 ORDER BY 1 LIMIT $2";

    private const string Bought =
        $"""
        SELECT {Orders.OwnerSql}, sku_id, sum(CASE WHEN status = 'CONFIRMED' THEN quantity ELSE 0 END)::bigint,
            coalesce(max(cancelled_at) < clock_timestamp() - interval '{Orders.LongAfterCancel}', true)
        FROM orders JOIN order_items ON order_id = orders.id JOIN products USING (sku_id)
        WHERE {Orders.OwnerSql} = ANY($1) AND max_per_customer IS NOT NULL
        GROUP BY 1, 2
        """;

    // Order, items and movements are written in one transaction, and so is a cancellation: one statement sees all of it
    // or nothing.
    private const string Wrong =
        """
        SELECT order_id, sku_id, sum(ordered)::bigint, sum(moved)::bigint
        FROM (
            SELECT id AS order_id, sku_id, CASE status WHEN 'CONFIRMED' THEN quantity ELSE 0 END AS ordered, 0 AS moved
            FROM orders JOIN order_items ON order_id = id WHERE id > $1 AND id <= $2
            UNION ALL
            SELECT order_id, sku_id, 0, quantity FROM inventory_movements WHERE order_id > $1 AND order_id <= $2
        ) AS both_sides
        GROUP BY 1, 2 HAVING sum(ordered) <> -sum(moved) ORDER BY 1, 2
        """;

    /// <summary>Whether any SKU has a limit, so that counts of bought units matter.</summary>
    public async Task<bool> HasLimitsAsync(CancellationToken cancellation) =>
        (await source.ReadAsync(
            "SELECT EXISTS (SELECT FROM products WHERE max_per_customer IS NOT NULL)",
            row => row.GetBoolean(0), cancellation))
        .Single();

    /// <summary>Owners of orders, sorted by name.</summary>
    /// <param name="after">The last owner that was read; empty at the start.</param>
    /// <param name="count">Maximum number.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public Task<List<string>> ReadOwnersAsync(string after, int count, CancellationToken cancellation) =>
        source.ReadAsync(Owners, row => row.GetString(0), cancellation, after, count);

    /// <summary>
    /// The units that some owners have bought of SKUs with a limit; 0 if all their orders are cancelled.
    /// </summary>
    public Task<List<LedgerBought>> ReadBoughtAsync(IEnumerable<string> owners, CancellationToken cancellation) =>
        source.ReadAsync(
            Bought,
            row => new LedgerBought(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetBoolean(3)),
            cancellation, [owners.ToArray()]);

    /// <summary>Ids of orders, the oldest first.</summary>
    /// <param name="after">The last order that was read.</param>
    /// <param name="count">Maximum number.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public Task<List<Guid>> ReadIdsAsync(Guid after, int count, CancellationToken cancellation) =>
        source.ReadAsync(
            "SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2", row => row.GetGuid(0), cancellation,
            after, count);

    /// <summary>Orders in a range of ids that disagree with their movements.</summary>
    /// <param name="after">The start of the range, excluded.</param>
    /// <param name="to">The end of the range, included.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public Task<List<WrongOrder>> ReadWrongAsync(Guid after, Guid to, CancellationToken cancellation) =>
        source.ReadAsync(
            Wrong,
            row => new WrongOrder(row.GetGuid(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3)),
            cancellation, after, to);
}
