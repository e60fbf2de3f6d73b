using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Rebuild;

/// <summary>Redis agrees with PostgreSQL before it sells again, whatever data it has lost or comes back with.</summary>
public sealed class RebuildTests : OwnStores
{
    [Fact]
    public async Task Flushed_data_is_rebuilt_with_exactly_the_pending_holds_and_their_deadlines()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        await Stores.ExecuteAsync($"UPDATE products SET max_per_customer = 3 WHERE sku_id = '{sku}'");
        // The change is captured before the flush, so that it doesn't begin a new stream.
        await Eventually.EqualAsync("3", () => Stores.FieldAsync(sku, "max_per_customer"));
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
            // The totals are loaded by now, and the holds are not.
            Assert.Equal("10", await Stores.FieldAsync(sku, "total"));
            Assert.Equal(ReserveOutcome.Fenced, (await worker.ReserveAsync(sku, "early", 1)).Outcome);
        }

        await worker.UntilOpenAsync();
        var found = await worker.Engine.Holds.FindAsync(pending);
        Assert.Equal(
            (FindOutcome.Active, ReservationStatus.Pending, deadline),
            (found.Outcome, found.Reservation!.Status, found.Reservation.ExpiresAt));
        Assert.Equal(FindOutcome.NotFound, (await worker.Engine.Holds.FindAsync(ordered)).Outcome);
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((10, 2, 1), (snapshot.Total, snapshot.Reserved, snapshot.Holds));
        Assert.Equal(1, worker.Log.Count("it has lost its data"));
        // The buyer has one of three.
        Assert.Equal(ReserveOutcome.LimitExceeded, (await worker.ReserveAsync(sku, "buyer", 3)).Outcome);
        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "buyer", 2)).Outcome);
        Assert.Equal(5, await SequenceAfterReleaseAsync(worker, pending));
    }

    [Fact]
    public async Task Older_data_in_the_same_run_is_detected_and_brought_up_to_date()
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

        await Eventually.EqualAsync(1, () => worker.Log.Count("s older than what PostgreSQL has"));
        await worker.UntilOpenAsync();
        Assert.Equal(
            ReservationStatus.Released,
            (await worker.Engine.Holds.FindAsync(ended.Reservation.Id)).Reservation!.Status);
        Assert.Equal(later, (await worker.Engine.Holds.FindAsync(extended.Reservation.Id)).Reservation!.ExpiresAt);
        Assert.Equal(FindOutcome.Active, (await worker.Engine.Holds.FindAsync(unknown.Reservation!.Id)).Outcome);
        Assert.Equal(5, (await worker.Engine.Levels.SnapshotAsync(sku)).Reserved);
        // New events get ids after those that are stored.
        await worker.ReserveAsync(sku, "d", 1);
        var id = await worker.Engine.Maintenance.ReadLastEventIdAsync(Only);
        Assert.Equal(future, long.Parse(id!.Split('-')[0]));
    }

    [Fact]
    public async Task Totals_that_are_ahead_of_a_restored_ledger_are_overwritten_and_wrong_counts_corrected()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        await worker.ReserveAsync(sku, "a", 1);
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        await worker.Engine.Levels.SetStockAsync(new(sku, 999, 1_000, null, false));
        await Database(worker).HashSetAsync(Only.Stock(sku), "reserved", 7);

        await Database(worker).KeyDeleteAsync(Only.Epoch);

        await worker.UntilOpenAsync();
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((10, 1, 1L), (snapshot.Total, snapshot.Reserved, snapshot.Version));
    }

    [Fact]
    public async Task An_order_not_yet_committed_in_Redis_counts_once_after_a_rebuild()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        await Stores.ExecuteAsync($"UPDATE products SET max_per_customer = 3 WHERE sku_id = '{sku}'");
        await Eventually.EqualAsync("3", () => Stores.FieldAsync(sku, "max_per_customer"));
        var held = (await worker.ReserveAsync(sku, "buyer", 1)).Reservation!;
        await worker.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(5));
        await Stores.HoldRowAsync(sku, 1, "pending", held.ExpiresAt, sequence: 1, holder: "u:buyer", id: held.Id);
        await Stores.OrderAsync(held.Id, sku, 1, "u:buyer");
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);

        await Database(worker).KeyDeleteAsync(Only.Epoch);
        await worker.UntilOpenAsync();
        await Stores.EndLeasesAsync();

        await Eventually.TrueAsync(async () =>
            (await worker.Engine.Holds.FindAsync(held.Id)).Reservation!.Status == ReservationStatus.Confirmed);
        // The buyer has one of three.
        Assert.Equal(ReserveOutcome.LimitExceeded, (await worker.ReserveAsync(sku, "buyer", 3)).Outcome);
        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "buyer", 2)).Outcome);
    }

    [Fact]
    public async Task A_rebuild_waits_for_unstored_events_and_sells_nothing_meanwhile()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        var held = await worker.ReserveAsync(sku, "a", 1);

        await Database(worker).KeyDeleteAsync(Only.Epoch);

        await worker.Log.WaitForAsync("waits for the materializer");
        Assert.Equal(ReserveOutcome.Fenced, (await worker.ReserveAsync(sku, "b", 1)).Outcome);
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        await worker.UntilOpenAsync();
        Assert.Equal(FindOutcome.Active, (await worker.Engine.Holds.FindAsync(held.Reservation!.Id)).Outcome);
    }

    [Fact]
    public async Task An_interrupted_rebuild_leaves_the_partition_fenced_and_the_next_one_completes()
    {
        var sku = "";
        await using (var worker = await Worker.StartCapturingAsync(Stores))
        {
            sku = await Stores.SkuAsync(10);
            await worker.ReserveAsync(sku, "a", 1);
            await Database(worker).KeyDeleteAsync(Only.Epoch);
            await worker.Log.WaitForAsync("waits for the materializer");
        }

        await using var next = Worker.Start(Stores);
        await next.Log.WaitForAsync("an earlier rebuild broke off");
        Assert.Equal(ReserveOutcome.Fenced, (await next.ReserveAsync(sku, "b", 1)).Outcome);
        // The worker has to be healthy before that, since the materializer may wait for it.
        await Eventually.TrueAsync(next.IsHealthyAsync);
        await Stores.StoredAsync((await next.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        await next.UntilOpenAsync();
        Assert.Equal(1, (await next.Engine.Levels.SnapshotAsync(sku)).Reserved);
        Assert.Equal(3, await Stores.ReadAsync<long>("SELECT epoch FROM fences"));
    }

    private static IDatabase Database(Worker worker) => worker.Redis.GetDatabase();

    private static Task<RedisResult> FlushAsync(Worker worker) => Database(worker).ExecuteAsync("FLUSHALL");

    private static async Task<int> SequenceAfterReleaseAsync(Worker worker, Guid id)
    {
        await worker.Engine.Holds.ReleaseAsync(id, null);
        var events = await worker.Engine.Events.ReadStreamAsync(Only, null, 10_000);
        return events.Records.Select(record => record.Parse()).Last(found => found.ReservationId == id).Sequence;
    }
}
