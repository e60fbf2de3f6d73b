using System.Diagnostics;
using System.Globalization;
using Inventory.Testing;
using Microsoft.Extensions.Logging;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>A change that is committed in PostgreSQL reaches Redis.</summary>
public sealed class CaptureTests(Stores stores) : IClassFixture<Stores>
{
    [Fact]
    public async Task Plain_updates_reach_redis_one_by_one()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);

        // Each change but the first follows another so closely that it waits for a batch. The next sweep, which would
        // bring a change that capture has missed, is a day away.
        for (var i = 1; i <= 50; i++)
        {
            await stores.ExecuteAsync($"UPDATE inventory SET total = total + 5 WHERE sku_id = '{sku}'");
            await stores.InRedisAsync(sku, 10 + (5 * i));
        }

        Assert.Equal("51", await stores.FieldAsync(sku, "version"));
        await Eventually.TrueAsync(() => worker.Measured("inventory.capture.lag").Count >= 50);
        Assert.True(worker.Measured("inventory.capture.changes").Sum() >= 50);
    }

    [Fact]
    public async Task Changes_in_quick_succession_are_written_in_batches()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        var watch = Stopwatch.StartNew();

        for (var i = 0; i < 200; i++)
        {
            await stores.ExecuteAsync($"UPDATE inventory SET total = total + 1 WHERE sku_id = '{sku}'");
        }

        await stores.InRedisAsync(sku, 210);
        // One write in 25 ms, and some more for changes that were not visible yet.
        var most = 10 + (int)(watch.Elapsed / TimeSpan.FromMilliseconds(25));
        Assert.InRange(worker.Measured("inventory.capture.changes").Count, 1, most);
    }

    [Fact]
    public async Task A_limit_and_a_pause_reach_redis_with_the_total()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);

        await stores.ExecuteAsync(
            $"UPDATE products SET max_per_customer = 3, paused = true WHERE sku_id = '{sku}'");
        await Eventually.EqualAsync("2", () => stores.FieldAsync(sku, "version"));
        var changed = (await stores.FieldAsync(sku, "max_per_customer"), await stores.FieldAsync(sku, "paused"));

        await stores.ExecuteAsync(
            $"UPDATE products SET max_per_customer = NULL, paused = false WHERE sku_id = '{sku}'");
        await Eventually.EqualAsync("3", () => stores.FieldAsync(sku, "version"));

        Assert.Equal(("3", "1"), changed);
        Assert.Null(await stores.FieldAsync(sku, "max_per_customer"));
        Assert.Null(await stores.FieldAsync(sku, "paused"));
        Assert.Equal("10", await stores.FieldAsync(sku, "total"));
    }

    [Fact]
    public async Task A_bulk_update_arrives_completely()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var prefix = $"bulk-{Guid.NewGuid():N}"[..12];
        await stores.ExecuteAsync(
            $"INSERT INTO products (sku_id, name) SELECT '{prefix}-' || i, 'Bulk' FROM generate_series(1, 20000) i");
        await stores.ExecuteAsync(
            $"INSERT INTO inventory (sku_id, total) SELECT '{prefix}-' || i, i FROM generate_series(1, 20000) i");

        await stores.ExecuteAsync($"UPDATE inventory SET total = total + 1 WHERE sku_id LIKE '{prefix}-%'");

        // PostgreSQL chooses the order within a transaction, so every SKU is checked, not only the last.
        for (var i = 1; i <= 20_000; i++) await stores.InRedisAsync(string.Create(
            CultureInfo.InvariantCulture, $"{prefix}-{i}"), i + 1);
    }

    [Fact]
    public async Task A_change_made_while_the_worker_was_down_reaches_redis_after_its_start()
    {
        string sku, other;
        await using (await Worker.StartCapturingAsync(stores))
        {
            sku = await stores.SkuAsync(10);
            other = await stores.SkuAsync(20);
        }

        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");
        await stores.ExecuteAsync($"UPDATE inventory SET total = 21 WHERE sku_id = '{other}'");
        await using var worker = await Worker.StartCapturingAsync(stores);

        await stores.InRedisAsync(sku, 11);
        await stores.InRedisAsync(other, 21);
    }

    [Fact]
    public async Task The_slot_does_not_retain_log_that_redis_has_applied()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");
        await stores.InRedisAsync(sku, 11);
        // A busy table that isn't captured must not keep the log from being recycled.
        await stores.ExecuteAsync("CREATE TABLE other AS SELECT FROM generate_series(1, 1000)");
        var end = await stores.ReadAsync<string>("SELECT pg_current_wal_lsn()::text");

        await Eventually.TrueAsync(() => stores.ReadAsync<bool>(
            $"SELECT confirmed_flush_lsn >= '{end}' FROM pg_replication_slots"));
        await Eventually.TrueAsync(() =>
            Task.FromResult(worker.Measured("inventory.capture.behind") is [.., >= 0 and < 100_000]));
    }

    [Fact]
    public async Task A_healthy_start_writes_no_warning_and_no_error()
    {
        // The first start creates the tables and may log warnings.
        await using (await Worker.StartCapturingAsync(stores))
        {
        }

        await using var worker = await Worker.StartCapturingAsync(stores);

        Assert.DoesNotContain(worker.Log.All, line => line.Level >= LogLevel.Warning);
    }
}
