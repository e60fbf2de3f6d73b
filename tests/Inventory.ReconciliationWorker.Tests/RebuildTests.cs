using Inventory.Stock;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>Whatever Redis has lost or comes back with, it sells only what PostgreSQL says it has promised.</summary>
public sealed class RebuildTests : OwnStores
{
    [Fact]
    public async Task Flushed_data_is_rebuilt_pending_holds_with_their_deadlines_and_nothing_else()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        await Stores.ExecuteAsync($"UPDATE products SET max_per_customer = 3 WHERE sku_id = '{sku}'");
        // Captured before the flush, so that nothing of it makes a new stream.
        await Worker.UntilAsync(async () => await Stores.FieldAsync(sku, "max_per_customer") == "3");
        var deadline = DateTimeOffset.FromUnixTimeMilliseconds(
            TimeProvider.System.GetUtcNow().AddMinutes(9).ToUnixTimeMilliseconds());
        var pending = await Stores.HoldRowAsync(sku, 2, "pending", deadline, sequence: 4);
        await Stores.HoldRowAsync(sku, 3, "released", deadline, sequence: 2);
        var ordered = await Stores.HoldRowAsync(sku, 1, "pending", deadline, sequence: 1, holder: "u:buyer");
        await Stores.OrderAsync(ordered, sku, 1, "u:buyer");
        await Stores.StoredAsync("1-1");

        await using (await Stores.LockAsync("reservations"))
        {
            await FlushAsync(worker);

            Assert.Equal(ReserveOutcome.Fenced, (await worker.ReserveAsync(sku, "early", 1)).Outcome);
            await Stores.UntilLockedOutAsync("%FROM reservations row%");
            // Totals are there by now, and nothing that is held of them.
            Assert.Equal("10", await Stores.FieldAsync(sku, "total"));
            Assert.Equal(ReserveOutcome.Fenced, (await worker.ReserveAsync(sku, "early", 1)).Outcome);
        }

        await worker.UntilOpenAsync();
        var found = await worker.Engine.FindAsync(pending);
        Assert.Equal(
            (FindOutcome.Active, ReservationStatus.Pending, deadline),
            (found.Outcome, found.Reservation!.Status, found.Reservation.ExpiresAt));
        Assert.Equal(FindOutcome.NotFound, (await worker.Engine.FindAsync(ordered)).Outcome);
        var snapshot = await worker.Engine.SnapshotAsync(sku);
        Assert.Equal((10, 2, 1), (snapshot.Total, snapshot.Reserved, snapshot.Holds));
        Assert.Equal(1, worker.Log.Count("it has lost its data"));
        // The buyer has one of three.
        Assert.Equal(ReserveOutcome.LimitExceeded, (await worker.ReserveAsync(sku, "buyer", 3)).Outcome);
        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "buyer", 2)).Outcome);
        Assert.Equal(5, await SequenceAfterReleaseAsync(worker, pending));
    }

    [Fact]
    public async Task Older_data_is_noticed_in_the_same_run_and_made_what_has_become_of_it()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        var ended = await worker.ReserveAsync(sku, "a", 1);
        var extended = await worker.ReserveAsync(sku, "b", 2);
        var unknown = await worker.ReserveAsync(sku, "c", 3);
        var later = DateTimeOffset.FromUnixTimeMilliseconds(
            extended.Reservation!.ExpiresAt.AddMinutes(5).ToUnixTimeMilliseconds());
        await Stores.HoldRowAsync(sku, 1, "released", later, 2, "u:a", ended.Reservation!.Id);
        await Stores.HoldRowAsync(sku, 2, "pending", later, 3, "u:b", extended.Reservation.Id);
        var future = TimeProvider.System.GetUtcNow().AddMinutes(1).ToUnixTimeMilliseconds();

        await Stores.StoredAsync($"{future}-7");

        await Worker.UntilAsync(() => Task.FromResult(worker.Log.Count("s older than what PostgreSQL has") == 1));
        await worker.UntilOpenAsync();
        Assert.Equal(
            ReservationStatus.Released, (await worker.Engine.FindAsync(ended.Reservation.Id)).Reservation!.Status);
        Assert.Equal(later, (await worker.Engine.FindAsync(extended.Reservation.Id)).Reservation!.ExpiresAt);
        Assert.Equal(FindOutcome.Active, (await worker.Engine.FindAsync(unknown.Reservation!.Id)).Outcome);
        Assert.Equal(5, (await worker.Engine.SnapshotAsync(sku)).Reserved);
        // What comes now is not taken for what is stored.
        await worker.ReserveAsync(sku, "d", 1);
        var id = await worker.Engine.ReadLastEventIdAsync(Only);
        Assert.Equal(future, long.Parse(id!.Split('-')[0]));
    }

    [Fact]
    public async Task Totals_that_are_ahead_of_a_restored_ledger_are_overwritten_and_wrong_counts_corrected()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        await worker.ReserveAsync(sku, "a", 1);
        await Stores.StoredAsync((await worker.Engine.ReadLastEventIdAsync(Only))!);
        await worker.Engine.SetStockAsync(new(sku, 999, 1_000, null, false));
        await Database(worker).HashSetAsync(Only.Stock(sku), "reserved", 7);

        await Database(worker).KeyDeleteAsync(Only.Epoch);

        await worker.UntilOpenAsync();
        var snapshot = await worker.Engine.SnapshotAsync(sku);
        Assert.Equal((10, 1, 1L), (snapshot.Total, snapshot.Reserved, snapshot.Version));
    }

    [Fact]
    public async Task An_order_that_Redis_has_not_heard_of_counts_once_when_it_does()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        await Stores.ExecuteAsync($"UPDATE products SET max_per_customer = 3 WHERE sku_id = '{sku}'");
        await Worker.UntilAsync(async () => await Stores.FieldAsync(sku, "max_per_customer") == "3");
        var held = (await worker.ReserveAsync(sku, "buyer", 1)).Reservation!;
        await worker.Engine.PinAsync(held.Id, TimeSpan.FromMinutes(5));
        await Stores.HoldRowAsync(sku, 1, "pending", held.ExpiresAt, sequence: 1, holder: "u:buyer", id: held.Id);
        await Stores.OrderAsync(held.Id, sku, 1, "u:buyer");
        await Stores.StoredAsync((await worker.Engine.ReadLastEventIdAsync(Only))!);

        await Database(worker).KeyDeleteAsync(Only.Epoch);
        await worker.UntilOpenAsync();
        await Stores.EndLeasesAsync();

        await Worker.UntilAsync(async () =>
            (await worker.Engine.FindAsync(held.Id)).Reservation!.Status == ReservationStatus.Confirmed);
        // The buyer has one of three.
        Assert.Equal(ReserveOutcome.LimitExceeded, (await worker.ReserveAsync(sku, "buyer", 3)).Outcome);
        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "buyer", 2)).Outcome);
    }

    [Fact]
    public async Task What_the_materializer_has_not_stored_is_waited_for_and_nothing_is_sold_meanwhile()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        var held = await worker.ReserveAsync(sku, "a", 1);

        await Database(worker).KeyDeleteAsync(Only.Epoch);

        await Worker.UntilAsync(() => Task.FromResult(worker.Log.Count("waits for the materializer") >= 1));
        Assert.Equal(ReserveOutcome.Fenced, (await worker.ReserveAsync(sku, "b", 1)).Outcome);
        await Stores.StoredAsync((await worker.Engine.ReadLastEventIdAsync(Only))!);
        await worker.UntilOpenAsync();
        Assert.Equal(FindOutcome.Active, (await worker.Engine.FindAsync(held.Reservation!.Id)).Outcome);
    }

    [Fact]
    public async Task A_rebuild_that_broke_off_leaves_the_fence_down_and_the_next_one_finishes()
    {
        var sku = "";
        await using (var worker = await Worker.StartCapturingAsync(Stores))
        {
            sku = await Stores.SkuAsync(10);
            await worker.ReserveAsync(sku, "a", 1);
            await Database(worker).KeyDeleteAsync(Only.Epoch);
            await Worker.UntilAsync(() => Task.FromResult(worker.Log.Count("waits for the materializer") >= 1));
        }

        await using var next = Worker.Start(Stores);
        await Worker.UntilAsync(() => Task.FromResult(next.Log.Count("an earlier rebuild broke off") >= 1));
        Assert.Equal(ReserveOutcome.Fenced, (await next.ReserveAsync(sku, "b", 1)).Outcome);
        // The materializer may be one of those who wait for this worker.
        await Worker.UntilAsync(next.IsHealthyAsync);
        await Stores.StoredAsync((await next.Engine.ReadLastEventIdAsync(Only))!);
        await next.UntilOpenAsync();
        Assert.Equal(1, (await next.Engine.SnapshotAsync(sku)).Reserved);
        Assert.Equal(3, await Stores.ReadAsync<long>("SELECT epoch FROM fences"));
    }

    private static IDatabase Database(Worker worker) => worker.Redis.GetDatabase();

    private static Task<RedisResult> FlushAsync(Worker worker) => Database(worker).ExecuteAsync("FLUSHALL");

    private static async Task<int> SequenceAfterReleaseAsync(Worker worker, Guid id)
    {
        await worker.Engine.ReleaseAsync(id, null);
        var events = await worker.Engine.ReadStreamAsync(Only, null, 10_000);
        return events.Records.Select(record => record.Parse()).Last(found => found.ReservationId == id).Sequence;
    }
}
