using System.Runtime.CompilerServices;
using System.Text.Json;
using Inventory.Contracts;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>The ledger's state of one partition's part of a reservation.</summary>
/// <param name="Status">As <see cref="ReservationRow.Status"/>.</param>
/// <param name="Sequence">The number of stored events.</param>
/// <param name="Deadline">By Redis' clock.</param>
/// <param name="HasOrder">Whether the reservation has become an order, cancelled or not.</param>
public readonly record struct KnownHold(string Status, int Sequence, DateTimeOffset Deadline, bool HasOrder);

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
            SELECT reservation_id, status, sequence, deadline FROM reservations row
            WHERE row.partition = $1 AND row.reservation_id = asked.id LIMIT 1) known
        """;

    // The partial index on pending deadlines gives the order. Pages avoid a transaction that stays open between reads.
    private const string Pending =
        """
        SELECT reservation_id, holder, deadline, sequence, created_at, lines
        FROM reservations row
        WHERE status = 'pending' AND partition = $1 AND (deadline, reservation_id) > ($2, $3)
            AND ($5::text IS NULL OR lines @> jsonb_build_array(jsonb_build_object('sku', $5)))
            AND NOT EXISTS (SELECT FROM orders WHERE orders.reservation_id = row.reservation_id)
        ORDER BY deadline, reservation_id LIMIT $4
        """;

    private const string Unheard =
        """
        SELECT reservation_id FROM orders WHERE confirmed_at > $2 AND NOT EXISTS (
            SELECT FROM reservations row
            WHERE row.partition = $1 AND row.reservation_id = orders.reservation_id AND status <> 'pending')
        """;

    private const string Bought =
        $"""
        SELECT {Orders.OwnerSql},
            sku_id, coalesce(sum(quantity) FILTER (
                WHERE orders.status = 'CONFIRMED' AND reservation_id <> ALL($1)), 0)::bigint
        FROM products JOIN order_items USING (sku_id) JOIN orders ON orders.id = order_id
        WHERE max_per_customer IS NOT NULL AND ($2::text IS NULL OR sku_id = $2)
        GROUP BY 1, 2
        HAVING $2::text IS NULL OR coalesce(max(cancelled_at) < clock_timestamp() - interval '30 seconds', true)
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
        await using var find = Command(Find, partition, reservations);
        await using var reader = await find.ExecuteReaderAsync(cancellation);
        var known = new Dictionary<Guid, KnownHold>();
        while (await reader.ReadAsync(cancellation))
        {
            known.Add(reader.GetGuid(0), new(
                reader.GetString(1), reader.GetInt32(2), reader.GetFieldValue<DateTimeOffset>(3),
                reader.GetBoolean(4)));
        }

        return known;
    }

    /// <summary>
    /// Holds that have neither ended nor become an order, by deadline. Overdue holds are included: they too have to end
    /// with an event.
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
            yield return page;
            (deadline, id) = (page[^1].Deadline.UtcDateTime, page[^1].ReservationId);
        }
        while (page.Count == PageSize);
    }

    /// <summary>Reservations that became orders after a time, without an event that ended them.</summary>
    public async Task<List<Guid>> FindUnheardAsync(
        int partition, DateTimeOffset since, CancellationToken cancellation)
    {
        await using var find = Command(Unheard, partition, since.UtcDateTime);
        await using var reader = await find.ExecuteReaderAsync(cancellation);
        var unheard = new List<Guid>();
        while (await reader.ReadAsync(cancellation)) unheard.Add(reader.GetGuid(0));
        return unheard;
    }

    /// <summary>The units bought of SKUs with a limit.</summary>
    /// <param name="without">Reservations whose orders don't count.</param>
    /// <param name="sku">
    /// The SKU; null for all. For one SKU, owners with an order that was cancelled just now are left out: Redis may
    /// still be told of it, and would subtract it a second time.
    /// </param>
    /// <param name="cancellation">Cancels the read.</param>
    public async IAsyncEnumerable<BoughtUnits> ReadBoughtAsync(
        Guid[] without, string? sku, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var bought = Command(Bought, without, sku);
        // The query reads all orders.
        bought.CommandTimeout = 0;
        await using var reader = await bought.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            yield return new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2));
        }
    }

    /// <summary>The levels of some SKUs as they are now.</summary>
    public async Task<List<StockLevel>> ReadLevelsAsync(string[] skus, CancellationToken cancellation)
    {
        await using var read = Command(Levels, (object)skus);
        await using var reader = await read.ExecuteReaderAsync(cancellation);
        var levels = new List<StockLevel>();
        while (await reader.ReadAsync(cancellation))
        {
            levels.Add(new(
                reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2),
                reader.IsDBNull(3) ? null : reader.GetInt32(3), reader.GetBoolean(4)));
        }

        return levels;
    }

    private async Task<List<PendingHold>> ReadPageAsync(
        int partition, DateTime deadline, Guid id, string? sku, CancellationToken cancellation)
    {
        await using var read = Command(Pending, partition, deadline, id, PageSize, sku);
        await using var reader = await read.ExecuteReaderAsync(cancellation);
        var page = new List<PendingHold>();
        while (await reader.ReadAsync(cancellation))
        {
            page.Add(new(
                reader.GetGuid(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetInt32(3),
                reader.GetFieldValue<DateTimeOffset>(4), ReadLines(reader.GetString(5))));
        }

        return page;
    }

    internal static List<Line> ReadLines(string json)
    {
        using var lines = JsonDocument.Parse(json);
        return
        [
            .. lines.RootElement.EnumerateArray().Select(line =>
                new Line(line.GetProperty("sku").GetString()!, line.GetProperty("quantity").GetInt32())),
        ];
    }

    private NpgsqlCommand Command(string sql, params object?[] arguments)
    {
        var command = source.CreateCommand(sql);
        foreach (var argument in arguments) command.Parameters.Add(new() { Value = argument ?? DBNull.Value });
        return command;
    }
}
