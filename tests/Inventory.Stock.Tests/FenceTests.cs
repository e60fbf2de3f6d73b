using Inventory.Contracts;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>
/// A server that was replaced, restarted or emptied sells nothing from its first call on, whatever its data is.
/// </summary>
public sealed class FenceTests
{
    private const string Sku = "sku-1";

    [Theory]
    [InlineData(RedisPersistence.Written)]
    [InlineData(RedisPersistence.Always)]
    public async Task A_server_that_restarted_with_all_its_data_is_fenced_until_it_is_opened(RedisPersistence mode)
    {
        await using var server = await RedisServer.StartAsync(mode);
        await using var shop = await Shop.OpenAsync(server);
        Assert.Equal(ReserveOutcome.Held, await shop.ReserveAsync());

        await server.KillAsync();
        await server.RestartAsync();

        Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveWhenBackAsync());
        Assert.True(await shop.Engine.Maintenance.IsFencedAsync());
        Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveAsync());
        Assert.True(await shop.Engine.Maintenance.LiftFenceAsync());
        Assert.Equal(ReserveOutcome.Held, await shop.ReserveAsync());
        // What was acknowledged is still there.
        Assert.Equal(2, (await shop.Engine.Levels.SnapshotAsync(Sku)).Reserved);
    }

    [Fact]
    public async Task An_empty_replacement_server_is_fenced_even_after_totals_are_set()
    {
        await using var server = await RedisServer.StartAsync();
        await using var shop = await Shop.OpenAsync(server);
        await shop.ReserveAsync();

        await server.KillAsync();
        await server.RestartAsync();

        Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveWhenBackAsync());
        await shop.Engine.Levels.SetStockAsync(new(Sku, 1_000, 2, null, false));
        Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveAsync());
    }

    [Fact]
    public async Task Flushed_data_is_fenced_from_the_next_call_on()
    {
        await using var server = await RedisServer.StartAsync();
        await using var shop = await Shop.OpenAsync(server);
        await shop.ReserveAsync();

        await shop.Database.ExecuteAsync("FLUSHALL");
        await shop.Engine.Levels.SetStockAsync(new(Sku, 1_000, 1, null, false));

        Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveAsync());
    }

    [Fact]
    public async Task Every_promoted_replica_is_fenced_even_one_that_has_sold_before()
    {
        await using var first = await RedisServer.StartAsync();
        await using var second = await RedisServer.StartAsync(
            settings: $"replicaof 127.0.0.1 {first.Port}");
        await using var atFirst = await Shop.OpenAsync(first);
        await using var atSecond = await Shop.ConnectAsync(second);
        await atFirst.ReserveAsync();

        await atFirst.FollowedByAsync(atSecond);
        await atSecond.FollowAsync(null);
        Assert.Equal(ReserveOutcome.Fenced, await atSecond.ReserveAsync());
        await atSecond.Engine.Maintenance.LiftFenceAsync();
        Assert.Equal(ReserveOutcome.Held, await atSecond.ReserveAsync());

        // The first server still has every script loaded, and its process never ended.
        await atFirst.FollowAsync(second);
        await atSecond.FollowedByAsync(atFirst);
        await atFirst.FollowAsync(null);
        Assert.Equal(ReserveOutcome.Fenced, await atFirst.ReserveAsync());
        await atFirst.Engine.Maintenance.LiftFenceAsync();
        Assert.Equal(2, (await atFirst.Engine.Levels.SnapshotAsync(Sku)).Reserved);
    }

    [Fact]
    public async Task A_run_that_was_not_opened_sells_nothing_under_load()
    {
        await using var server = await RedisServer.StartAsync(RedisPersistence.Always);
        await using var shop = await Shop.OpenAsync(server);
        using var ending = new CancellationTokenSource();
        var held = 0;
        var sellers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                try
                {
                    if (await shop.ReserveAsync() == ReserveOutcome.Held) Interlocked.Increment(ref held);
                }
                catch (StoreException e) when (e.IsOutage)
                {
                    // The server is gone for a moment.
                }
            }
        })).ToArray();

        for (var restart = 0; restart < 3; restart++)
        {
            var before = Volatile.Read(ref held);
            await Eventually.TrueAsync(() => Volatile.Read(ref held) > before + 100);
            await server.KillAsync();
            await server.RestartAsync();
            Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveWhenBackAsync());
            // No call to the earlier run is still under way: every answer from now on comes from this run.
            before = Volatile.Read(ref held);
            var fenced = 0;
            for (; fenced < 200; fenced++) Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveWhenBackAsync());
            Assert.Equal(before, Volatile.Read(ref held));
            await shop.Engine.Maintenance.LiftFenceAsync();
        }

        await ending.CancelAsync();
        await Task.WhenAll(sellers);
        // Every acknowledged hold is kept; a hold that wasn't acknowledged may be there too.
        Assert.InRange((await shop.Engine.Levels.SnapshotAsync(Sku)).Reserved, held, int.MaxValue);
    }

    [Fact]
    public async Task A_fence_opens_only_for_the_run_the_data_and_the_rebuild_that_it_was_closed_for()
    {
        await using var server = await RedisServer.StartAsync(RedisPersistence.Always);
        await using var shop = await Shop.OpenAsync(server);
        var (partition, engine) = (default(Partition), shop.Engine);

        var run = (await engine.Maintenance.CloseFenceAsync(partition, "one")).RunId;
        await engine.Maintenance.CloseFenceAsync(partition, "two");
        Assert.Equal(OpenOutcome.Replaced, await engine.Maintenance.OpenFenceAsync(partition, "one", run, 1, false));
        await shop.Database.ExecuteAsync("FLUSHALL");
        Assert.Equal(OpenOutcome.Replaced, await engine.Maintenance.OpenFenceAsync(partition, "two", run, 1, false));
        await engine.Maintenance.CloseFenceAsync(partition, "three");
        await server.KillAsync();
        await server.RestartAsync();
        await shop.ReserveWhenBackAsync();
        Assert.Equal(OpenOutcome.Replaced, await engine.Maintenance.OpenFenceAsync(partition, "three", run, 1, false));
        run = (await engine.Maintenance.CloseFenceAsync(partition, "four")).RunId;
        Assert.Equal(OpenOutcome.Opened, await engine.Maintenance.OpenFenceAsync(partition, "four", run, 7, false));

        Assert.Equal($"7:{run}", (await engine.Maintenance.VerifyOrFenceAsync(partition)).Epoch);
    }

    [Fact]
    public async Task An_epoch_that_no_script_writes_fences_the_partition_and_fails_no_call()
    {
        await using var server = await RedisServer.StartAsync();
        await using var shop = await Shop.OpenAsync(server);
        var (partition, maintenance) = (default(Partition), shop.Engine.Maintenance);
        foreach (var text in new[] { "no epoch", "7:\tx\ty", "7:run\n", "", ":" })
        {
            await shop.Database.StringSetAsync(partition.Epoch, text);
            await shop.Database.StringSetAsync(partition.Former, text);

            var look = await maintenance.VerifyOrFenceAsync(partition);
            Assert.Equal((VerifyOutcome.Fenced, ""), (look.Outcome, look.Epoch));
            Assert.Equal("", (await maintenance.CloseFenceAsync(partition, "token")).FormerEpoch);
            Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveAsync());
        }

        Assert.True(await maintenance.LiftFenceAsync());
        Assert.Equal(ReserveOutcome.Held, await shop.ReserveAsync());
    }

    [Theory]
    [InlineData("user default on nopass ~* &* +@all -info")]
    [InlineData("rename-command INFO \"\"")]
    public async Task A_server_that_hides_its_run_stays_fenced(string setting)
    {
        await using var server = await RedisServer.StartAsync(settings: setting);
        await using var shop = await Shop.ConnectAsync(server);
        await shop.Engine.Levels.SetStockAsync(new(Sku, 10, 1, null, false));
        // An operator may write an epoch by hand.
        await shop.Database.StringSetAsync(default(Partition).Epoch, "1:");

        Assert.Equal("", (await shop.Engine.Maintenance.CloseFenceAsync(default, "token")).RunId);
        Assert.Equal(
            OpenOutcome.Replaced, await shop.Engine.Maintenance.OpenFenceAsync(default, "token", "", 1, false));
        Assert.True(await shop.Engine.Maintenance.IsFencedAsync());
        Assert.Equal(ReserveOutcome.Fenced, await shop.ReserveAsync());
    }

    private sealed class Shop : IAsyncDisposable
    {
        private readonly ConnectionMultiplexer redis;
        private int customers;

        private Shop(ConnectionMultiplexer redis)
        {
            this.redis = redis;
            Engine = new(redis, Options.Create(new StockOptions()));
        }

        public StockStores Engine { get; }

        public IDatabase Database => redis.GetDatabase();

        public static async Task<Shop> ConnectAsync(RedisServer server) =>
            new(await ConnectionMultiplexer.ConnectAsync(server.AdminConnectionString));

        public static async Task<Shop> OpenAsync(RedisServer server)
        {
            var shop = await ConnectAsync(server);
            await shop.Engine.Levels.SetStockAsync(new(Sku, 1_000_000, 1, null, false));
            await shop.Engine.Maintenance.LiftFenceAsync();
            return shop;
        }

        public async Task<ReserveOutcome> ReserveAsync()
        {
            var customer = $"{Environment.CurrentManagedThreadId}-{Interlocked.Increment(ref customers)}";
            return (await Engine.Holds.ReserveAsync(EngineFixture.Request(customer, new Line(Sku, 1)))).Outcome;
        }

        public Task<ReserveOutcome> ReserveWhenBackAsync() => Eventually.GetAsync(
            ReserveAsync, _ => true, isTransient: e => e is StoreException { IsOutage: true });

        /// <summary>Makes the server a replica of another one, or promotes it.</summary>
        public async Task FollowAsync(RedisServer? primary)
        {
            if (primary is null) await Database.ExecuteAsync("REPLICAOF", "NO", "ONE");
            else await Database.ExecuteAsync("REPLICAOF", "127.0.0.1", primary.Port);
            await redis.ConfigureAsync();
        }

        /// <summary>Waits until a replica has all writes.</summary>
        public async Task FollowedByAsync(Shop replica)
        {
            await Database.StringSetAsync("{inv:0}:mark", Guid.NewGuid().ToString());
            var mark = await Database.StringGetAsync("{inv:0}:mark");
            await Eventually.EqualAsync(mark, () => replica.Database.StringGetAsync("{inv:0}:mark"));
        }

        public ValueTask DisposeAsync() => redis.DisposeAsync();
    }
}
