using System.Data;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Inventory.Contracts;
using Inventory.Faults.History;
using Inventory.Stock;
using Npgsql;

namespace Inventory.Faults.Running;

/// <summary>Reads both stores directly, without the product.</summary>
public sealed class StoreReader(Installation installation, Shelf shelf)
{
    /// <summary>
    /// Reads everything in one snapshot of the ledger. Meanwhile only payments of unknown reservations may change.
    /// </summary>
    /// <param name="owners">All owners that may have orders or holds.</param>
    public async Task<Facts> ReadAsync(IEnumerable<string> owners)
    {
        await using var connection = await installation.Ledger.OpenConnectionAsync();
        await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        return new()
        {
            Stock = await StockAsync(),
            Holds = await HoldsAsync(),
            Units = await UnitsAsync(owners),
            Rows = await ReadAsync(
                connection,
                "SELECT reservation_id, status, holder, deadline, lines::text FROM reservations",
                row => new HoldFact(row.GetGuid(0), row.GetString(1), row.GetString(2), Ms(row, 3), Lines(row, 4))),
            Events = await ReadAsync(
                connection,
                """
                SELECT reservation_id, sequence, type, holder, deadline, lines::text, stream_id, at
                FROM reservation_events
                """,
                row => new EventFact(
                    row.GetGuid(0), row.GetInt32(1), row.GetString(2), row.GetString(3), Ms(row, 4), Lines(row, 5),
                    row.GetString(6), Ms(row, 7))),
            Orders = await ReadAsync(
                connection,
                """
                SELECT reservation_id, holder, payment_id, confirmed_at,
                    (SELECT jsonb_agg(jsonb_build_object('sku', sku_id, 'quantity', quantity))::text
                     FROM order_items WHERE order_id = id)
                FROM orders
                """,
                row => new OrderFact(
                    row.GetGuid(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), Ms(row, 3),
                    row.IsDBNull(4) ? [] : Lines(row, 4))),
            Movements = await ReadAsync(
                connection,
                "SELECT sku_id, quantity, reason, reference, at FROM inventory_movements WHERE reason <> 'sold'",
                row => new MovementFact(
                    row.GetString(0), row.GetInt32(1), row.GetString(2), row.GetString(3), Ms(row, 4))),
            Payments = await ReadAsync(
                connection,
                """
                SELECT event_id, reservation_id, payment_id, outcome FROM payment_events
                WHERE type = 'payment.approved'
                """,
                row => new PaymentFact(
                    row.GetString(0), row.GetGuid(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3))),
            Refunds = await ReadAsync(
                connection,
                """
                SELECT payload ->> 'reservationId', payload ->> 'paymentId', payload ->> 'reason' FROM outbox
                WHERE kind = 'refund_required'
                """,
                row => new RefundFact(Guid.Parse(row.GetString(0)), row.GetString(1), row.GetString(2))),
            Complaints = await ReadAsync(
                connection,
                "SELECT concat_ws(' ', error, payload::text) FROM dead_letters",
                row => new Complaint($"dead letter: {row.GetString(0)}")),
        };
    }

    /// <summary>Redis' holds.</summary>
    public async Task<IReadOnlyList<HoldFact>> HoldsAsync()
    {
        var (found, database) = (new List<HoldFact>(), installation.Redis.GetDatabase());
        foreach (var bucket in new Partition(0).HoldBuckets().Chunk(512))
        {
            foreach (var entries in await Task.WhenAll(bucket.Select(key => database.HashGetAllAsync(key))))
            {
                foreach (var entry in entries)
                {
                    var fields = ((string)entry.Value!).Split('\t');
                    var lines = fields[5..].Chunk(2).Select(pair => new Line(pair[0], Number(pair[1]))).ToList();
                    var id = (string)entry.Name!;
                    found.Add(new(
                        ReservationKey.Parse(id), fields[0] == "p" ? "pending" : "confirming", fields[4],
                        long.Parse(fields[3], CultureInfo.InvariantCulture), lines));
                }
            }
        }

        return [.. found.OrderBy(hold => hold.Reservation)];
    }

    /// <summary>Reads rows of the ledger.</summary>
    public async Task<IReadOnlyList<T>> RowsAsync<T>(string sql, Func<NpgsqlDataReader, T> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        await using var connection = await installation.Ledger.OpenConnectionAsync();
        return await ReadAsync(connection, sql, read);
    }

    private static async Task<IReadOnlyList<T>> ReadAsync<T>(
        NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync()) rows.Add(read(reader));
        return rows;
    }

    private async Task<IReadOnlyList<StockFact>> StockAsync()
    {
        var stock = await RowsAsync(
            "SELECT sku_id, total, version FROM inventory",
            row => (Sku: row.GetString(0), Total: row.GetInt32(1), Version: row.GetInt64(2)));
        var facts = new List<StockFact>();
        foreach (var (sku, total, version) in stock)
        {
            var product = shelf.Products.SingleOrDefault(product => product.Sku == sku);
            if (product.Sku is null) continue;
            var fields = await installation.Redis.GetDatabase().HashGetAsync(
                new Partition(0).Stock(sku), ["total", "version", "reserved"]);
            facts.Add(new(
                sku, product.Total, total, version, (int)fields[0], (long)fields[1], (int)fields[2], product.Limit));
        }

        return facts;
    }

    /// <summary>Reads units as <c>read_units</c> of lua/shared/units.lua does.</summary>
    private async Task<IReadOnlyList<UnitsFact>> UnitsAsync(IEnumerable<string> owners)
    {
        var found = new List<UnitsFact>();
        var asked = owners.SelectMany(owner => shelf.Products.Select(each => (Holder: owner, each.Sku)));
        // Reads in parallel: one after the other, a million of them took ten minutes.
        foreach (var page in asked.Chunk(1_000))
        {
            var texts = await Task.WhenAll(page.Select(one => UnitsTextAsync(one.Holder, one.Sku)));
            foreach (var ((holder, sku), text) in page.Zip(texts))
            {
                if (text is null) continue;
                var words = text.Split(' ');
                found.Add(new(holder, sku, Number(words[0]), words[1..].Chunk(2).Sum(pair => Number(pair[1]))));
            }
        }

        return found;
    }

    private async Task<string?> UnitsTextAsync(string holder, string sku)
    {
        var digest = Digest($"{holder}\t{sku}");
        return await installation.Redis.GetDatabase()
            .HashGetAsync(new Partition(0).Units(digest[..3]), digest[3..25]);
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Security", "CA5350", Justification = "The scripts name owners by SHA-1; nothing is secured by it.")]
    private static string Digest(string text) =>
        Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text)));

    private static long Ms(NpgsqlDataReader row, int at) =>
        row.GetFieldValue<DateTimeOffset>(at).ToUnixTimeMilliseconds();

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static List<Line> Lines(NpgsqlDataReader row, int at) =>
    [
        .. (JsonNode.Parse(row.GetString(at)) as JsonArray ?? throw new JsonException("Lines are an array."))
            .Select(line => new Line((string)line!["sku"]!, (int)line["quantity"]!)),
    ];
}
