using System.Runtime.CompilerServices;
using Inventory.Contracts;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>The ledger's state of one partition's part of a reservation.</summary>
/// <param name="Status">As <see cref="ReservationRow.Status"/>.</param>
/// <param name="Sequence">The number of stored events.</param>
/// <param name="Deadline">By Redis' clock.</param>
/// <param name="HasOrder">Whether the reservation has become an order, cancelled or not.</param>
/// <param name="Holder">The holder in the form that Redis stores.</param>
/// <param name="Lines">The lines in this partition; empty when they can't be read.</param>
public readonly record struct KnownHold(
    string Status, int Sequence, DateTimeOffset Deadline, bool HasOrder, string Holder, IReadOnlyList<Line> Lines);

/// <summary>A hold that has neither ended nor become an order.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Holder">The holder in the form that Redis stores.</param>
/// <param name="Deadline">By Redis' clock.</param>
/// <param name="Sequence">The number of stored events.</param>
/// <param name="CreatedAt">By Redis' clock.</param>
/// <param name="Lines">The lines in this partition.</param>
public sealed record PendingHold(
    Guid ReservationId, string Holder, DateTimeOffset Deadline, int Sequence, DateTimeOffset CreatedAt,
    IReadOnlyList<Line> Lines);

/// <summary>The units that an owner has bought of a SKU with a limit.</summary>
/// <param name="Owner">The owner of the limit, in the form that Redis stores.</param>
/// <param name="Sku">The SKU.</param>
/// <param name="Units">Units in orders that are not cancelled.</param>
public readonly record struct BoughtUnits(string Owner, string Sku, long Units);

/// <summary>
/// Reads the rows that a rebuild needs when Redis has lost its data, in pages or as a stream, so that memory is
/// bounded.
/// </summary>
public sealed class HoldRows(NpgsqlDataSource source)
{
    /// <summary>Holds read by one query: some 300 KB and a few milliseconds.</summary>
    private const int PageSize = 1_000;

    // Looks up one key at a time. The statistics of a table that has just grown would lead to a bad plan.
    private const string Find =
        """
        SELECT known.*, EXISTS (SELECT FROM orders WHERE orders.reservation_id = known.reservation_id)
        FROM (SELECT DISTINCT unnest($2) AS id) asked CROSS JOIN LATERAL (
            SELECT reservation_id, status, sequence, deadline, holder, lines FROM reservations row
            WHERE row.partition = $1 AND row.reservation_id = asked.id LIMIT 1) known
        """;

    // The partial index on pending deadlines gives the order. Pages avoid a transaction that stays open between reads.
    private const string Pending =
        $"""
        SELECT reservation_id, holder, deadline, sequence, created_at, lines
        FROM reservations row
        WHERE status = '{ReservationStatusNames.Pending}' AND partition = $1 AND (deadline, reservation_id) > ($2, $3)
            AND ($5::text IS NULL OR lines @> jsonb_build_array(jsonb_build_object('sku', $5)))
            AND NOT EXISTS (SELECT FROM orders WHERE orders.reservation_id = row.reservation_id)
        ORDER BY deadline, reservation_id LIMIT $4
        """;

    private const string Unheard =
        $"""
        SELECT reservation_id FROM orders WHERE confirmed_at > $2 AND NOT EXISTS (
            SELECT FROM reservations row
            WHERE row.partition = $1 AND row.reservation_id = orders.reservation_id
                AND status <> '{ReservationStatusNames.Pending}')
        """;

    private const string Bought =
        $"""
        SELECT {Orders.OwnerSql},
            sku_id, coalesce(sum(quantity) FILTER (
                WHERE orders.status = 'CONFIRMED' AND reservation_id <> ALL($1)), 0)::bigint
        FROM products JOIN order_items USING (sku_id) JOIN orders ON orders.id = order_id
        WHERE max_per_customer IS NOT NULL AND ($2::text IS NULL OR sku_id = $2)
        GROUP BY 1, 2
        HAVING $2::text IS NULL
            OR coalesce(max(cancelled_at) < clock_timestamp() - interval '{Orders.LongAfterCancel}', true)
        """;

    private const string Levels =
        """
        SELECT stock.sku_id, stock.total, stock.version, product.max_per_customer, product.paused
        FROM inventory stock JOIN products product USING (sku_id) WHERE stock.sku_id = ANY($1)
        """;

    /// <summary>The ledger's state of some reservations; unknown reservations are left out.</summary>
    public async Task<Dictionary<Guid, KnownHold>> FindAsync(
        int partition, Guid[] reservations, CancellationToken cancellation)
    {
        var known = await source.ReadAsync(
            Find,
            row => (Id: row.GetGuid(0), Hold: new KnownHold(
                row.GetString(1), row.GetInt32(2), row.GetFieldValue<DateTimeOffset>(3), row.GetBoolean(6),
                row.GetString(4), LinesJson.ReadOrEmpty(row.GetString(5)))),
            cancellation, partition, reservations);
        return known.ToDictionary(one => one.Id, one => one.Hold);
    }

    /// <summary>
    /// Holds that have neither ended nor become an order, by deadline. Overdue holds are included: they too have to end
    /// with an event. A row with lines that can't be read, by plain SQL, is left out: the audit reports it.
    /// </summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="sku">The SKU that they hold; null for all.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public async IAsyncEnumerable<IReadOnlyList<PendingHold>> ReadPendingAsync(
        int partition, string? sku, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (deadline, id) = (DateTime.UnixEpoch, Guid.Empty);
        List<PendingHold> page;
        do
        {
            page = await ReadPageAsync(partition, deadline, id, sku, cancellation);
            if (page.Count == 0) yield break;
            yield return page.FindAll(hold => hold.Lines.Count > 0);
            (deadline, id) = (page[^1].Deadline.UtcDateTime, page[^1].ReservationId);
        }
        while (page.Count == PageSize);
    }

    /// <summary>Reservations that became orders after a time, without an event that ended them.</summary>
    public Task<List<Guid>> FindUnheardAsync(
        int partition, DateTimeOffset since, CancellationToken cancellation) =>
        source.ReadAsync(Unheard, row => row.GetGuid(0), cancellation, partition, since.UtcDateTime);

    /// <summary>The units bought of SKUs with a limit.</summary>
    /// <param name="without">Reservations to leave out; their orders don't count.</param>
    /// <param name="sku">
    /// The SKU; null for all. For one SKU, owners with an order that was cancelled just now are left out: Redis may
    /// still be told of it, and would subtract it a second time.
    /// </param>
    /// <param name="cancellation">Cancels the read.</param>
    public IAsyncEnumerable<BoughtUnits> ReadBoughtAsync(
        Guid[] without, string? sku, CancellationToken cancellation) =>
        // The query reads all orders.
        source.StreamAsync(
            Bought, row => new BoughtUnits(row.GetString(0), row.GetString(1), row.GetInt64(2)), cancellation,
            without, sku);

    /// <summary>The levels of some SKUs as they are now.</summary>
    public Task<List<StockLevel>> ReadLevelsAsync(string[] skus, CancellationToken cancellation) => source.ReadAsync(
        Levels,
        row => new StockLevel(
            row.GetString(0), row.GetInt32(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetInt32(3),
            row.GetBoolean(4)),
        cancellation, (object)skus);

    private Task<List<PendingHold>> ReadPageAsync(
        int partition, DateTime deadline, Guid id, string? sku, CancellationToken cancellation) => source.ReadAsync(
        Pending,
        row => new PendingHold(
            row.GetGuid(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2), row.GetInt32(3),
            row.GetFieldValue<DateTimeOffset>(4), LinesJson.ReadOrEmpty(row.GetString(5))),
        cancellation, partition, deadline, id, PageSize, sku);
}
