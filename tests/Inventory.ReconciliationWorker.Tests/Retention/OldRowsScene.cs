using System.IO.Compression;
using System.Text.Json;
using Inventory.Testing;

namespace Inventory.ReconciliationWorker.Tests.Retention;

/// <summary>Rows that ended long ago, as the services would have left them.</summary>
internal static class OldRowsScene
{
    public const string LongAgo = "now() - interval '500 days'";

    public const string Body = """{"data": {"amount": 500, "currency": "EUR"}}""";

    /// <summary>A reservation of two events whose last one happened then.</summary>
    public static async Task<Guid> ReservationAsync(
        this Stores stores, string status, string at = LongAgo, Guid? id = null, int partition = 0)
    {
        var reservation = id ?? Guid.NewGuid();
        await stores.ExecuteAsync(
            $$"""
            INSERT INTO reservations
                (reservation_id, partition, holder, status, deadline, lines, sequence, created_at, updated_at)
            VALUES ('{{reservation}}', {{partition}}, 'u:me', '{{status}}', {{at}}, '[{"sku": "a", "quantity": 1}]', 2,
                {{at}}, {{at}});
            INSERT INTO reservation_events
                (reservation_id, partition, sequence, type, holder, deadline, lines, stream_id, at)
            SELECT '{{reservation}}', {{partition}}, number, 'reserved', 'u:me', {{at}}, '[]', '1-' || number, {{at}}
            FROM generate_series(1, 2) AS number
            """);
        return reservation;
    }

    /// <summary>An event of a payment of the reservation; unsettled without an outcome.</summary>
    public static Task PaymentAsync(
        this Stores stores, Guid reservation, string payment, string? outcome, string at = LongAgo,
        string type = "payment.approved") => stores.ExecuteAsync(
        $"""
        INSERT INTO payment_events (event_id, type, reservation_id, payment_id, occurred_at, received_at, body, outcome,
            processed_at, next_attempt_at)
        VALUES ('{payment}-{reservation}', '{type}', '{reservation}', '{payment}', {at}, {at}, '{Body}',
            {(outcome is null ? "NULL, NULL" : $"'{outcome}', {at}")}, now() + interval '1 hour')
        """);

    public static Task DeadLetterAsync(this Stores stores, string reservationKey, string resolvedAt) =>
        stores.ExecuteAsync(
            $$"""
            INSERT INTO dead_letters (partition, stream_id, payload, error, attempts, first_at, last_at, resolved_at)
            VALUES (0, '{{Guid.NewGuid()}}', '{"reservation": "{{reservationKey}}"}', 'none', 1, {{LongAgo}},
                {{LongAgo}}, {{resolvedAt}})
            """);

    public static async Task<(long Parts, long Events)> LeftAsync(this Stores stores, Guid reservation)
    {
        var counts = new List<long>();
        foreach (var table in new[] { "reservations", "reservation_events" })
        {
            counts.Add(await stores.ReadAsync<long>(
                $"SELECT count(*) FROM {table} WHERE reservation_id = '{reservation}'"));
        }

        return (counts[0], counts[1]);
    }

    /// <summary>Runs a pass of this test; the worker's own may be under way.</summary>
    public static Task PruneAsync(this Worker worker) =>
        Eventually.TrueAsync(() => worker.Pruner.PassAsync(CancellationToken.None));

    /// <summary>The rows in a folder's complete files, by table.</summary>
    public static ILookup<string, JsonElement> ReadArchive(string folder) => Directory.GetFiles(folder, "*.ndjson.gz")
        .SelectMany(path => Lines(path).Select(line => (
            Table: Path.GetFileName(path).Split('-')[0], Row: JsonDocument.Parse(line).RootElement)))
        .ToLookup(one => one.Table, one => one.Row);

    private static IEnumerable<string> Lines(string path)
    {
        using var packed = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var reader = new StreamReader(packed);
        while (reader.ReadLine() is { } line) yield return line;
    }
}
