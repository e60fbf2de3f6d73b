using Inventory.Testing;

namespace Inventory.Materializer.Tests;

/// <summary>Every event becomes a row, in order and once.</summary>
[Collection(OneServer.Name)]
public sealed class MaterializingTests(Postgres postgres)
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Five_thousand_random_operations_are_stored_completely_in_order_and_once(int partitions)
    {
        await using var world = await World.StartAsync(postgres.Server, partitions);
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });

        await new Shopping(world, seed: 1).RunAsync(5_000);

        await world.AssertStoredAsync();
        Assert.InRange(await world.ReadAsync<long>("SELECT count(*) FROM reservation_events"), 1_000, 10_000);
        Assert.Equal(0, instance.Figure("missing"));
        Assert.Equal(0, instance.Gauge("lag_events"));
        Assert.Equal(instance.Figure("batch_size"), instance.Figure("written"));
    }

    [Fact]
    public async Task Two_concurrent_instances_store_every_event_once()
    {
        await using var world = await World.StartAsync(postgres.Server, partitions: 3);
        var first = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000, BatchSize = 20 });
        var second = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000, BatchSize = 20 });
        var shopping = new Shopping(world, seed: 2);

        var load = shopping.RunAsync(3_000);
        await Eventually.TrueAsync(() => shopping.Done > 1_000);
        await first.StopAsync();
        await load;

        await world.AssertStoredAsync();
        var events = 0;
        for (var partition = 0; partition < 3; partition++) events += (await world.StreamAsync(partition)).Count;
        Assert.Equal(events, first.Figure("written") + second.Figure("written"));
    }

    [Fact]
    public async Task Stored_rows_are_found_by_key_in_a_table_that_has_just_grown()
    {
        await using var world = await World.StartAsync(postgres.Server);
        await world.ExecuteAsync(
            """
            ALTER TABLE reservations SET (autovacuum_enabled = off);
            ALTER TABLE reservation_events SET (autovacuum_enabled = off);
            INSERT INTO reservations
                (partition, reservation_id, sequence, status, holder, deadline, lines, created_at, updated_at)
            SELECT 0, gen_random_uuid(), 1, 'pending', 'c:one', now(), '[{"sku":"one","quantity":1}]', now(), now()
            FROM generate_series(1, 20000);
            INSERT INTO reservation_events
                (partition, reservation_id, sequence, type, holder, deadline, lines, stream_id, at)
            SELECT 0, reservation_id, 1, 'reserved', holder, deadline, lines, '1-' || row_number() OVER (), at
            FROM reservations, now() AS at
            """);
        const string Read =
            "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'reservation%'";
        const string Written = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'reservation_events'";
        await Eventually.EqualAsync(20_000, () => world.ReadAsync<long>(Written));
        var before = await world.ReadAsync<long>(Read);
        await world.StartInstanceAsync();

        await new Shopping(world, seed: 3).RunAsync(300);

        await world.UntilStoredAsync();
        // A session reports all its counters at once, a second or more after its last transaction.
        await Eventually.TrueAsync(async () => await world.ReadAsync<long>(Written) > 20_000);
        Assert.Equal(before, await world.ReadAsync<long>(Read));
    }
}
