using System.Runtime.CompilerServices;
using Inventory.Storage;
using Npgsql;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>What audits read from the ledger. Each page is one statement and so one snapshot.</summary>
public sealed class LedgerReading(NpgsqlDataSource source)
{
    // The page is limited before the join, for the reason that StockLevels gives.
    private const string LevelOf =
        """
        SELECT stock.sku_id, stock.total, stock.version, product.max_per_customer, product.paused, last.total_after
        FROM 
        """;

    private const string WithProduct =
        """
         stock JOIN products product USING (sku_id)
        LEFT JOIN LATERAL (
            SELECT total_after FROM inventory_movements movement
            WHERE movement.sku_id = stock.sku_id ORDER BY id DESC LIMIT 1) last ON true
        ORDER BY stock.sku_id
        """;

    private const string PageAfter =
        LevelOf + "(SELECT * FROM inventory WHERE sku_id > $1 ORDER BY sku_id LIMIT $2)" + WithProduct;

    private const string Named = LevelOf + "(SELECT * FROM inventory WHERE sku_id = ANY($1))" + WithProduct;

    private const string HoldsSku = "AND lines @> jsonb_build_array(jsonb_build_object('sku', $5::text))";

    private const string Reservation =
        """
        SELECT reservation_id, partition, holder, status, sequence, deadline, created_at, lines::text
        FROM reservations
        """;

    /// <summary>All SKUs, in the order of their names.</summary>
    public async IAsyncEnumerable<List<LedgerLevel>> ReadLevelsAsync(
        int pageSize, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var after = "";
        List<LedgerLevel> page;
        do
        {
            page = await source.ReadAsync(PageAfter, ToLevel, cancellation, after, pageSize);
            if (page.Count == 0) yield break;
            after = page[^1].Sku;
            yield return page;
        }
        while (page.Count == pageSize);
    }

    /// <summary>The levels of some SKUs; unknown SKUs are left out.</summary>
    public Task<List<LedgerLevel>> ReadLevelsAsync(IEnumerable<string> skus, CancellationToken cancellation) =>
        source.ReadAsync(Named, ToLevel, cancellation, [skus.ToArray()]);

    /// <summary>Pending reservations, those with the earliest deadlines first.</summary>
    /// <param name="sku">The SKU that they hold; empty for all.</param>
    /// <param name="pageSize">Maximum number in one page.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public async IAsyncEnumerable<List<LedgerReservation>> ReadPendingAsync(
        string sku, int pageSize, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (after, id, partition) = (DateTimeOffset.MinValue, Guid.Empty, -1);
        List<LedgerReservation> page;
        do
        {
            page = await source.ReadAsync(
                $"""
                {Reservation}
                WHERE status = 'pending' AND (deadline, reservation_id, partition) > ($1, $2, $3)
                  {(sku.Length == 0 ? "AND $5 = ''" : HoldsSku)}
                ORDER BY deadline, reservation_id, partition LIMIT $4
                """,
                ToReservation, cancellation, after, id, partition, pageSize, sku);
            if (page.Count == 0) yield break;
            (after, id, partition) = (page[^1].Deadline, page[^1].Id, page[^1].Partition);
            yield return page;
        }
        while (page.Count == pageSize);
    }

    /// <summary>The parts of some reservations in one partition; unknown reservations are left out.</summary>
    public async Task<Dictionary<Guid, LedgerReservation>> ReadReservationsAsync(
        int partition, IEnumerable<Guid> ids, CancellationToken cancellation) =>
        (await source.ReadAsync(
            Reservation + " WHERE partition = $1 AND reservation_id = ANY($2)",
            ToReservation, cancellation, partition, ids.ToArray()))
        .ToDictionary(row => row.Id);

    /// <summary>Which of some reservations have become orders.</summary>
    public async Task<HashSet<Guid>> ReadOrderedAsync(IEnumerable<Guid> ids, CancellationToken cancellation) =>
    [
        .. await source.ReadAsync(
            "SELECT reservation_id FROM orders WHERE reservation_id = ANY($1)",
            row => row.GetGuid(0), cancellation, [ids.ToArray()]),
    ];

    /// <summary>The position up to which a partition's events are stored; null for none.</summary>
    public async Task<string?> ReadPositionAsync(int partition, CancellationToken cancellation) =>
        (await source.ReadAsync(
            "SELECT stream_id FROM stream_positions WHERE partition = $1",
            row => row.GetString(0), cancellation, partition))
        .SingleOrDefault();

    /// <summary>
    /// When a SKU's total was last lowered by anything other than an order; null when it never was. A gap between two
    /// movements is a change by plain SQL; its time is that of the movement after the gap. Changes before the first
    /// movement are unknown, unless that movement is a repair, and may have lowered the total too; the result then
    /// assumes that they did. Only the last ten thousand movements are read.
    /// </summary>
    public async Task<DateTimeOffset?> ReadLoweredAsync(string sku, CancellationToken cancellation) =>
        (await source.ReadAsync(
            """
            SELECT coalesce(
                max(at) FILTER (WHERE coalesce(is_after_gap, reason <> 'repair') OR quantity < 0 AND order_id IS NULL),
                CASE WHEN count(*) = 0 AND (SELECT version > 1 FROM inventory WHERE sku_id = $1) THEN now() END)
            FROM (
                SELECT at, quantity, order_id, reason,
                    total_after - quantity < lag(total_after) OVER (ORDER BY id) AS is_after_gap
                FROM (SELECT * FROM inventory_movements WHERE sku_id = $1 ORDER BY id DESC LIMIT 10000) latest) movement
            """,
            row => row.IsDBNull(0) ? (DateTimeOffset?)null : row.GetFieldValue<DateTimeOffset>(0), cancellation, sku))
        .Single();

    private static LedgerLevel ToLevel(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetInt32(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetInt32(3),
        row.GetBoolean(4), row.IsDBNull(5) ? null : row.GetInt32(5));

    private static LedgerReservation ToReservation(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetInt32(1), row.GetString(2), row.GetString(3), row.GetInt32(4),
        row.GetFieldValue<DateTimeOffset>(5), row.GetFieldValue<DateTimeOffset>(6), row.GetString(7));
}
