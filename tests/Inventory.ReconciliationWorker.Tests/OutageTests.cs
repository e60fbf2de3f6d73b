using Inventory.Testing;
using Microsoft.Extensions.Logging;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>Redis ends up with what PostgreSQL has, whatever fails in between.</summary>
public sealed class OutageTests
{
    [Fact]
    public async Task A_slot_dropped_while_in_use_is_created_again_and_no_change_is_lost()
    {
        await using var stores = await StartAsync();
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);

        await stores.DropSlotAsync();
        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");

        await stores.InRedisAsync(sku, 11);
        await Eventually.EqualAsync(2, () => worker.Log.Count("is new"));
        await stores.ExecuteAsync($"UPDATE inventory SET total = 12 WHERE sku_id = '{sku}'");
        await stores.InRedisAsync(sku, 12);
    }

    [Fact]
    public async Task A_slot_dropped_while_the_worker_was_down_is_created_again()
    {
        await using var stores = await StartAsync();
        string sku;
        await using (await Worker.StartCapturingAsync(stores)) sku = await stores.SkuAsync(10);

        await stores.DropSlotAsync();
        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");
        await using var worker = await Worker.StartCapturingAsync(stores);

        await stores.InRedisAsync(sku, 11);
        await stores.ExecuteAsync($"UPDATE inventory SET total = 12 WHERE sku_id = '{sku}'");
        await stores.InRedisAsync(sku, 12);
    }

    [Fact]
    public async Task A_slot_that_postgres_invalidated_is_created_again()
    {
        await using var stores = await StartAsync(
            "max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB");
        string sku;
        await using (await Worker.StartCapturingAsync(stores)) sku = await stores.SkuAsync(10);
        await Eventually.TrueAsync(async () =>
        {
            await stores.ExecuteAsync("SELECT pg_switch_wal()");
            await stores.ExecuteAsync($"UPDATE inventory SET total = total + 1 WHERE sku_id = '{sku}'");
            await stores.ExecuteAsync("CHECKPOINT");
            return await stores.ReadAsync<bool>("SELECT wal_status = 'lost' FROM pg_replication_slots");
        });
        await stores.ExecuteAsync($"UPDATE inventory SET total = 7 WHERE sku_id = '{sku}'");

        await using var worker = await Worker.StartCapturingAsync(stores);

        await stores.InRedisAsync(sku, 7);
        await stores.ExecuteAsync($"UPDATE inventory SET total = 8 WHERE sku_id = '{sku}'");
        await stores.InRedisAsync(sku, 8);
    }

    [Fact]
    public async Task A_dropped_publication_is_created_again_with_its_slot()
    {
        await using var stores = await StartAsync();
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);

        await stores.ExecuteAsync("DROP PUBLICATION inventory_changes");
        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");

        await stores.InRedisAsync(sku, 11);
        await stores.ExecuteAsync($"UPDATE inventory SET total = 12 WHERE sku_id = '{sku}'");
        await stores.InRedisAsync(sku, 12);
    }

    [Fact]
    public async Task No_change_is_lost_when_both_stores_are_killed()
    {
        await using var stores = await StartAsync();
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(0);
        var others = new List<string>();
        for (var i = 0; i < 10; i++) others.Add(await stores.SkuAsync(0));

        await stores.Redis.KillAsync();
        foreach (var other in others)
        {
            await stores.ExecuteAsync($"UPDATE inventory SET total = 5 WHERE sku_id = '{other}'");
        }

        await Eventually.EqualAsync(1, () => worker.Log.Count("is unavailable"));
        await stores.Postgres.KillAsync();
        stores.Redis.LoseData();
        await stores.Redis.RestartAsync();
        await stores.Postgres.RestartAsync();
        stores.ForgetConnections();
        await stores.ExecuteAsync($"UPDATE inventory SET total = 1 WHERE sku_id = '{sku}'");

        await stores.InRedisAsync(sku, 1);
        foreach (var other in others) await stores.InRedisAsync(other, 5);
        await Eventually.EqualAsync(1, () => worker.Log.Count("are available again"));
        await Eventually.TrueAsync(async () => !await worker.Engine.Maintenance.IsFencedAsync());
        Assert.Single(worker.Log.All.Where(line => line.Level >= LogLevel.Warning).Select(line => line.Text));
        Assert.True(await worker.IsHealthyAsync());
        await stores.ExecuteAsync($"UPDATE inventory SET total = 2 WHERE sku_id = '{sku}'");
        await stores.InRedisAsync(sku, 2);
    }

    [Theory]
    [InlineData("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0")]
    [InlineData("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0")]
    public async Task The_worker_waits_for_a_redis_that_answers_but_refuses_writes(string refuse, string mend)
    {
        await using var stores = await StartAsync();
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        await RedisAsync(worker, refuse);
        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");
        await Eventually.EqualAsync(1, () => worker.Log.Count("is unavailable"));

        await RedisAsync(worker, mend);

        await stores.InRedisAsync(sku, 11);
        await Eventually.EqualAsync(1, () => worker.Log.Count("are available again"));
        Assert.True(await worker.IsHealthyAsync());
    }

    [Fact]
    public async Task An_orderly_shutdown_of_postgres_does_not_wait_for_the_worker()
    {
        await using var stores = await StartAsync();
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);

        // Throws when it takes longer than ten seconds.
        await stores.Postgres.StopAsync();
        await Eventually.EqualAsync(1, () => worker.Log.Count("is unavailable"));
        Assert.True(await worker.IsHealthyAsync());
        await stores.Postgres.RestartAsync();
        stores.ForgetConnections();
        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");

        await stores.InRedisAsync(sku, 11);
        await Eventually.EqualAsync(1, () => worker.Log.Count("are available again"));
    }

    [Fact]
    public async Task The_worker_waits_for_a_committed_change_that_is_not_visible_yet()
    {
        await using var stores = await StartAsync();
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        // The commit is in the log, and its rows are invisible until a standby answers, which doesn't exist.
        await stores.SetAsync("synchronous_standby_names", "nobody");
        var update = stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");
        await Eventually.TrueAsync(() => stores.ReadAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"));
        await Eventually.TrueAsync(() => stores.ReadAsync<bool>(
            "SELECT sent_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"));

        await stores.SetAsync("synchronous_standby_names", "");
        await update;

        await stores.InRedisAsync(sku, 11);
        Assert.DoesNotContain(worker.Log.All, line => line.Level == LogLevel.Warning);
    }

    [Fact]
    public async Task Without_a_logical_log_sweeps_apply_changes_and_one_log_line_says_why()
    {
        await using var stores = await StartAsync("wal_level=replica");
        await using var worker = Worker.Start(stores, ("Reconciliation:SweepInterval", "00:00:01"));
        await Eventually.TrueAsync(worker.IsHealthyAsync);
        var sku = await stores.SkuAsync(10);

        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");

        await stores.InRedisAsync(sku, 11);
        Assert.Equal(1, worker.Log.Count("wal_level is replica"));
    }

    private static async Task RedisAsync(Worker worker, string command)
    {
        var words = command.Split(' ');
        await worker.Redis.GetDatabase().ExecuteAsync(words[0], [.. words[1..]]);
    }

    private static async Task<Stores> StartAsync(params string[] settings)
    {
        var stores = new Stores(settings);
        await stores.InitializeAsync();
        return stores;
    }
}
