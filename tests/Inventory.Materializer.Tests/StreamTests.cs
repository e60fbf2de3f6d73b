using System.Diagnostics;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using Npgsql;

namespace Inventory.Materializer.Tests;

/// <summary>Only stored events are trimmed from the stream, and a new stream is recognized as new.</summary>
[Collection(OneServer.Name)]
public sealed class StreamTests(Postgres postgres)
{
    [Fact]
    public async Task Trimming_keeps_the_latest_events_and_never_removes_unstored_ones()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 300, BatchSize = 50 });
        await new Shopping(world, seed: 1).RunAsync(2_000);
        await world.UntilStoredAsync();
        var stored = await world.Database.StreamLengthAsync(new Partition(0).Events);
        // Redis removes whole nodes of a hundred events, and positions to trim to are a hundred events apart.
        Assert.InRange(stored, 300, 600);

        await instance.StopAsync();
        await new Shopping(world, seed: 2).RunAsync(2_000);
        var waiting = await world.Database.StreamLengthAsync(new Partition(0).Events) - stored;
        Assert.InRange(waiting, 100, 5_000);
        var second = await world.StartInstanceAsync(new() { KeepEvents = 0, BatchSize = 50 });
        await world.UntilStoredAsync();

        Assert.Equal(waiting, second.Figure("written"));
        Assert.Equal(0, instance.Figure("missing") + second.Figure("missing"));
        await world.AssertSameHoldsAsync();
        Assert.InRange(await world.Database.StreamLengthAsync(new Partition(0).Events), 1, 250);
    }

    [Fact]
    public async Task A_data_loss_of_Redis_is_reported_once_and_the_new_stream_is_read_from_the_start()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });
        await new Shopping(world, seed: 1).RunAsync(500);
        await world.UntilStoredAsync();
        var old = await world.ReadAsync<long>("SELECT count(*) FROM reservation_events");
        var epoch = await world.ReadAsync<string>("SELECT epoch FROM stream_positions");

        await world.RedisServer.KillAsync();
        await world.RedisServer.RestartAsync();
        await Eventually.TrueAsync(async () =>
        {
            try { return await world.Engine.Maintenance.LiftFenceAsync(); }
            catch (StoreException e) when (e.IsOutage) { return false; }
        });
        await new Shopping(world, seed: 2).RunAsync(500);
        await world.UntilStoredAsync();

        var fresh = (await world.StreamAsync()).Select(record => record.Parse())
            .Count(found => found.ReservationId is not null);
        Assert.Equal(old + fresh, await world.ReadAsync<long>("SELECT count(*) FROM reservation_events"));
        Assert.NotEqual(epoch, await world.ReadAsync<string>("SELECT epoch FROM stream_positions"));
        Assert.Equal(1, instance.Log.Count("Redis lost events"));
        Assert.Equal(0, instance.Figure("missing"));
    }

    [Fact]
    public async Task Events_read_before_a_rebuild_are_not_stored_after_it_began()
    {
        await using var world = await World.StartAsync(postgres.Server);
        await world.ExecuteAsync("INSERT INTO fences (partition, epoch, cause) VALUES (0, 1, 'A test.')");
        var instance = await world.StartInstanceAsync();
        await world.Engine.Levels.SetStockAsync(new("sku-1", 10, 1, null, false));
        var id = Guid.NewGuid();
        await world.Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer("user-1"),
            Lines = [new("sku-1", 1)],
            HoldFor = TimeSpan.FromMinutes(10),
            OnExisting = OnExisting.Allow,
        });
        await world.UntilStoredAsync();

        await using (var connection = await world.Ledger.OpenConnectionAsync())
        await using (var rebuild = await connection.BeginTransactionAsync())
        {
            await using var raise = new NpgsqlCommand("UPDATE fences SET epoch = 2", connection, rebuild);
            await raise.ExecuteNonQueryAsync();
            await world.Engine.Holds.ReleaseAsync(id, null);
            await Eventually.TrueAsync(() => world.ReadAsync<bool>(
                """
                SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                    AND wait_event_type = 'Lock' AND query LIKE '%stream_positions%')
                """));
            await world.Database.ExecuteAsync("FLUSHALL");
            await rebuild.CommitAsync();
        }

        await world.Engine.Maintenance.LiftFenceAsync();
        await new Shopping(world, seed: 1).RunAsync(50);
        await world.UntilStoredAsync();

        // The rebuild has read the reservation as pending and restores it.
        Assert.Equal(
            "pending", await world.ReadAsync<string>($"SELECT status FROM reservations WHERE reservation_id = '{id}'"));
        Assert.Equal(0, instance.Log.Count("waits for the lock"));
        Assert.Equal(0, await world.ReadAsync<long>("SELECT count(*) FROM dead_letters"));
    }

    [Fact]
    public async Task A_stream_that_lost_its_end_is_read_again_without_storing_events_twice()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });
        await new Shopping(world, seed: 1).RunAsync(500);
        await world.UntilStoredAsync();
        var before = await world.ReadAsync<long>("SELECT count(*) FROM reservation_events");
        await world.Database.StreamDeleteAsync(new Partition(0).Events, [await world.PositionAsync()]);

        await new Shopping(world, seed: 2).RunAsync(500);
        await world.UntilStoredAsync();

        Assert.Equal(1, instance.Log.Count("Redis lost events"));
        Assert.True(before < await world.ReadAsync<long>("SELECT count(*) FROM reservation_events"));
        Assert.Equal(0L, await world.ReadAsync<long>("SELECT count(*) FROM dead_letters"));
        await world.AssertSameHoldsAsync();
    }

    [Fact]
    public async Task An_outage_of_either_store_logs_one_warning_and_one_recovery()
    {
        await using var own = await PostgresServer.StartAsync();
        await using var world = await World.StartAsync(own, persistence: RedisPersistence.Always);
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });
        await new Shopping(world, seed: 1).RunAsync(300);
        await world.UntilStoredAsync();

        await own.KillAsync();
        await new Shopping(world, seed: 2).RunAsync(300);
        await Eventually.EqualAsync(1, () => instance.Log.Count("is unavailable"));
        await own.RestartAsync();
        world.Ledger.Clear();
        await Eventually.EqualAsync(1, () => instance.Log.Count("are available again"));
        await world.RedisServer.KillAsync();
        await Eventually.EqualAsync(2, () => instance.Log.Count("is unavailable"));
        await world.RedisServer.RestartAsync();
        await Eventually.EqualAsync(2, () => instance.Log.Count("are available again"));
        // The first call finds another run of Redis and fences it; the reconciliation worker would check it and reopen.
        await new Shopping(world, seed: 4).RunAsync(1);
        await world.Engine.Maintenance.LiftFenceAsync();
        await new Shopping(world, seed: 3).RunAsync(300);

        await world.AssertStoredAsync();
        Assert.Equal(2, instance.Log.Count("is unavailable"));
        Assert.Equal(0, instance.Log.Count("Redis lost events"));
    }

    [Fact]
    public async Task A_batch_is_linked_to_the_traces_of_its_events()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var links = new List<ActivityLink>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is BatchWriter.ActivitySourceName or "test",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (links) links.AddRange(activity.Links);
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("test");
        using var request = source.StartActivity("request")!;
        await world.Engine.Levels.SetStockAsync(new("sku-1", 10, 1, null, false));

        await world.StartInstanceAsync();
        await world.UntilStoredAsync();

        await Eventually.TrueAsync(() =>
        {
            lock (links) return Task.FromResult(links.Exists(link => link.Context.TraceId == request.TraceId));
        });
    }
}
