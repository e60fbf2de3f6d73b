using Inventory.Stock;

namespace Inventory.Materializer.Tests;

/// <summary>Compares PostgreSQL with Redis: every event once, in order, and the same holds.</summary>
public static class Truth
{
    private const string Events =
        """
        SELECT reservation_id, partition, sequence, type, holder, stream_id,
            (extract(epoch FROM deadline) * 1000)::bigint,
            (SELECT string_agg(concat(line ->> 'sku', ':', line ->> 'quantity'), ',')
             FROM jsonb_array_elements(lines) line)
        FROM reservation_events
        """;

    /// <summary>Waits until all events are stored, and asserts that both stores agree.</summary>
    public static async Task AssertStoredAsync(this World world)
    {
        await world.UntilStoredAsync();
        var events = new List<(int Partition, StockEvent Event)>();
        for (var partition = 0; partition < world.Partitions; partition++)
        {
            var records = await world.StreamAsync(partition);
            events.AddRange(records.Select(record => (partition, record.Parse())));
        }

        events.RemoveAll(found => found.Event.ReservationId is null);
        Assert.Equal(
            events.Select(found => Describe(found.Partition, found.Event)).Order(StringComparer.Ordinal),
            (await world.RowsAsync(Events)).Order(StringComparer.Ordinal));

        var latest = events.GroupBy(found => (found.Event.ReservationId, found.Partition))
            .Select(group => group.Last())
            .Select(found => $"{found.Event.ReservationId}|{found.Partition}|{found.Event.Sequence}");
        Assert.Equal(
            latest.Order(StringComparer.Ordinal),
            (await world.RowsAsync("SELECT reservation_id, partition, sequence FROM reservations"))
                .Order(StringComparer.Ordinal));
        await world.AssertSameHoldsAsync();
        Assert.Equal(0L, await world.ReadAsync<long>(
            """
            SELECT count(*) FROM (
                SELECT sequence, row_number() OVER (
                    PARTITION BY reservation_id, partition ORDER BY at, sequence) AS number
                FROM reservation_events) numbered
            WHERE sequence <> number
            """));
        Assert.Equal(0L, await world.ReadAsync<long>("SELECT count(*) FROM dead_letters"));
    }

    /// <summary>Asserts that the pending rows are the holds in Redis.</summary>
    public static async Task AssertSameHoldsAsync(this World world)
    {
        var holds = new List<string>();
        var server = world.Redis.GetServers()[0];
        await foreach (var key in server.KeysAsync(pattern: "{inv:*}:holds:*"))
        {
            var name = key.ToString();
            var partition = name[5..name.IndexOf('}', StringComparison.Ordinal)];
            foreach (var field in await world.Database.HashKeysAsync(key))
            {
                holds.Add($"{ReservationKey.Parse((string)field!)}|{partition}");
            }
        }

        Assert.Equal(
            holds.Order(StringComparer.Ordinal),
            (await world.RowsAsync("SELECT reservation_id, partition FROM reservations WHERE status = 'pending'"))
                .Order(StringComparer.Ordinal));
    }

    private static string Describe(int partition, StockEvent found) => string.Join(
        '|',
        found.ReservationId, partition, found.Sequence, found.Type, found.Holder, found.Id,
        found.ExpiresAt!.Value.ToUnixTimeMilliseconds(),
        string.Join(',', found.Lines.Select(line => $"{line.Sku}:{line.Quantity}")));
}
