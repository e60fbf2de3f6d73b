using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Rebuild;

/// <summary>A server that restarts with the data that was opened last continues without a comparison.</summary>
public sealed class RestartTests : OwnStores
{
    private const string GoesOn = "so its holds are kept";
    private const string IsCompared = "has every event that PostgreSQL has.";

    [Fact]
    public async Task A_killed_server_continues_without_waiting_for_unstored_events()
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        await StoredHoldAsync(worker, sku, "a", 1);
        // The event of this hold is never stored: a comparison would wait for it.
        var later = (await worker.ReserveAsync(sku, "b", 2)).Reservation!;

        await Stores.Redis.KillAsync();
        await Stores.Redis.RestartAsync();
        await UntilCountedAsync(worker, GoesOn);
        await worker.UntilOpenAsync();

        Assert.Equal(later.ExpiresAt, (await worker.Engine.Holds.FindAsync(later.Id)).Reservation!.ExpiresAt);
        Assert.Equal(3, (await worker.Engine.Levels.SnapshotAsync(sku)).Reserved);
        Assert.Equal(ReserveOutcome.Insufficient, (await worker.ReserveAsync(sku, "c", 8)).Outcome);
        Assert.False(await Database(worker).KeyExistsAsync(Only.Former));
    }

    [Fact]
    public async Task An_order_and_a_total_missing_at_the_end_of_the_file_are_applied()
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        await Stores.ExecuteAsync($"UPDATE products SET max_per_customer = 3 WHERE sku_id = '{sku}'");
        await Eventually.EqualAsync("3", () => Stores.FieldAsync(sku, "max_per_customer"));
        var sold = await StoredHoldAsync(worker, sku, "a", 2);
        var other = await StoredHoldAsync(worker, sku, "b", 1);
        await Stores.OrderAsync(sold.Id, sku, 2, "u:a");
        await Stores.ExecuteAsync($"UPDATE inventory SET total = 8 WHERE sku_id = '{sku}'");
        await Stores.InRedisAsync(sku, 8);
        var lowered = await Stores.SkuAsync(10);
        await Stores.ExecuteAsync($"UPDATE inventory SET total = 4 WHERE sku_id = '{lowered}'");
        await Stores.InRedisAsync(lowered, 4);
        // These changes are lost too, as if they had been at the end of the file.
        foreach (var one in new[] { sku, lowered })
        {
            await Database(worker).HashSetAsync(Only.Stock(one), [new("total", 10), new("version", 1)]);
        }

        await Stores.Redis.KillAsync();
        await Stores.Redis.RestartAsync();
        await UntilCountedAsync(worker, GoesOn);
        await worker.UntilOpenAsync();

        await UntilCountedAsync(
            worker, $" {await Stores.ReadAsync<long>("SELECT count(*) FROM inventory")} totals loaded");
        Assert.Equal("4", await Stores.FieldAsync(lowered, "total"));
        await Eventually.TrueAsync(async () =>
            (await worker.Engine.Holds.FindAsync(sold.Id)).Reservation!.Status == ReservationStatus.Confirmed);
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((8, 1, 1), (snapshot.Total, snapshot.Reserved, snapshot.Holds));
        Assert.Equal(FindOutcome.Active, (await worker.Engine.Holds.FindAsync(other.Id)).Outcome);
        // The buyer has two of three.
        Assert.Equal(ReserveOutcome.LimitExceeded, (await worker.ReserveAsync(sku, "a", 2)).Outcome);
    }

    [Fact]
    public async Task Data_older_than_the_last_opening_is_compared_although_it_has_every_event()
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        var held = await StoredHoldAsync(worker, sku, "a", 1);
        await Stores.Redis.StopAsync();
        Stores.Redis.Backup();
        await Stores.Redis.RestartAsync();
        await worker.UntilOpenAsync();
        // No event says that this hold has ended: only a comparison finds it.
        await Stores.ExecuteAsync($"UPDATE reservations SET status = 'released', sequence = 2");

        await Stores.Redis.StopAsync();
        Stores.Redis.PutBackupBack();
        await Stores.Redis.RestartAsync();
        await UntilCountedAsync(worker, IsCompared);
        await worker.UntilOpenAsync();

        Assert.Equal(ReservationStatus.Released, (await worker.Engine.Holds.FindAsync(held.Id)).Reservation!.Status);
        Assert.Equal(0, (await worker.Engine.Levels.SnapshotAsync(sku)).Reserved);
    }

    [Fact]
    public async Task A_restart_that_is_interrupted_continues_at_the_next_restart()
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        await StoredHoldAsync(worker, sku, "a", 1);
        // The epoch number is raised, and the next step waits for this lock.
        await using (await Stores.LockAsync("orders"))
        {
            await Stores.Redis.KillAsync();
            await Stores.Redis.RestartAsync();
            await UntilCountedAsync(worker, GoesOn);
            await Stores.Redis.KillAsync();
        }

        await Stores.Redis.RestartAsync();
        await worker.Log.WaitForAsync(GoesOn, atLeast: 2);
        await worker.UntilOpenAsync();

        Assert.Equal(0, worker.Log.Count(IsCompared));
        Assert.Equal(1, (await worker.Engine.Levels.SnapshotAsync(sku)).Reserved);
    }

    [Fact]
    public async Task An_interrupted_comparison_is_repeated()
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        await StoredHoldAsync(worker, sku, "a", 1);
        var last = (await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!;
        await Database(worker).HashSetAsync(Only.Stock(sku), "reserved", 7);
        // Later than every event, and not implausible.
        await Stores.StoredAsync($"{StreamIds.TimeOf(last).AddHours(1).ToUnixTimeMilliseconds()}-0");
        await using (await Stores.LockAsync("reservations"))
        {
            await Stores.Redis.KillAsync();
            await Stores.Redis.RestartAsync();
            await UntilCountedAsync(worker, "older than what PostgreSQL has of it");
            await Eventually.TrueAsync(async () => !await Database(worker).KeyExistsAsync(Only.Former));
            await Stores.Redis.KillAsync();
            await Stores.StoredAsync(last);
        }

        await Stores.Redis.RestartAsync();
        await Eventually.EqualAsync("1", () => Stores.FieldAsync(sku, "reserved"));

        Assert.Equal(0, worker.Log.Count(GoesOn));
    }

    [Theory]
    [InlineData("the event was trimmed")]
    [InlineData("the epoch was removed by hand")]
    public async Task Data_that_may_be_incomplete_is_compared(string because)
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        await StoredHoldAsync(worker, sku, "a", 1);
        await Database(worker).HashSetAsync(Only.Stock(sku), "reserved", 7);
        switch (because)
        {
            case "the event was trimmed":
                await Database(worker).StreamTrimAsync(Only.Events, 0);
                break;
            default:
                await Database(worker).KeyDeleteAsync(Only.Epoch);
                break;
        }

        await Stores.Redis.KillAsync();
        await Stores.Redis.RestartAsync();
        await Eventually.EqualAsync("1", () => Stores.FieldAsync(sku, "reserved"));
        Assert.Equal(0, worker.Log.Count(GoesOn));
    }

    /// <summary>Starts a worker without automatic repair, which could change the data before a test reads it.</summary>
    private Task<Worker> StartAsync() =>
        Worker.StartCapturingAsync(Stores, ("Audit:AutomaticRepair", "false"));

    private static Task UntilCountedAsync(Worker worker, string what) =>
        Eventually.EqualAsync(1, () => worker.Log.Count(what));

    private static IDatabase Database(Worker worker) => worker.Redis.GetDatabase();

    private async Task<Reservation> StoredHoldAsync(Worker worker, string sku, string customer, int quantity)
    {
        var held = (await worker.ReserveAsync(sku, customer, quantity)).Reservation!;
        await Stores.HoldRowAsync(sku, quantity, "pending", held.ExpiresAt, 1, $"u:{customer}", held.Id);
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        return held;
    }
}
