using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Rebuild;

/// <summary>Values that were written into Redis by hand don't keep a partition fenced.</summary>
public sealed class CorruptDataRebuildTests : OwnStores
{
    [Fact]
    public async Task A_rebuild_replaces_unreadable_holds_with_those_of_PostgreSQL()
    {
        await using var worker = await StartAsync();
        var redis = worker.Redis.GetDatabase();
        var sku = await Stores.SkuAsync(100);
        var (pending, pinned, ended, unknown, whole) = (
            await HoldAsync(worker, sku, 1), await HoldAsync(worker, sku, 2), await HoldAsync(worker, sku, 4),
            await HoldAsync(worker, sku, 8), await HoldAsync(worker, sku, 16));
        await worker.Engine.Confirmations.PinAsync(pinned.Id, TimeSpan.FromHours(1));
        await RowAsync(pending, sku, "pending", 1);
        await RowAsync(pinned, sku, "pending", 1);
        await RowAsync(ended, sku, "released", 2);
        await RowAsync(whole, sku, "pending", 1);
        await CorruptAsync(redis, pending.Id, "corrupt");
        await CorruptAsync(redis, pinned.Id, $"c\t1\t1\t1\tu:me\t{sku}\ttwo");
        await CorruptAsync(redis, ended.Id, "");
        await CorruptAsync(redis, unknown.Id, $"p\tx\t1\t0\tu:me\t{sku}\t8");
        // A field that is no reservation id, a hold in the wrong bucket, and a bucket of another type.
        await redis.HashSetAsync("{inv:0}:holds:zz", "stray", "corrupt");
        await redis.HashSetAsync("{inv:0}:holds:zz", "AAAAAAAAAAAAAAAAAAAAAA", $"p\t1\t1\t0\tu:me\t{sku}\t32");
        await redis.StringSetAsync("{inv:0}:holds:__", "corrupt");

        await RebuildAsync(worker);

        Assert.Equal(
            (FindOutcome.Active, ReservationStatus.Pending, pending.ExpiresAt), await FindAsync(worker, pending.Id));
        Assert.Equal(
            (FindOutcome.Active, ReservationStatus.Pending, pinned.ExpiresAt), await FindAsync(worker, pinned.Id));
        Assert.Equal(FindOutcome.NotFound, (await worker.Engine.Holds.FindAsync(ended.Id)).Outcome);
        Assert.Equal(FindOutcome.NotFound, (await worker.Engine.Holds.FindAsync(unknown.Id)).Outcome);
        Assert.Equal(1 + 2 + 16, (await worker.Engine.Levels.SnapshotAsync(sku)).Reserved);
        Assert.Equal(0, await redis.SortedSetLengthAsync(Only.Leases));
        Assert.Equal(1, worker.Log.Count("7 holds of partition 0 could not be read"));
        foreach (var one in new[] { pending, pinned, ended, unknown }) Assert.Equal(1, Named(worker, one.Id));
        Assert.Equal(0, Named(worker, whole.Id));

        // Deadlines without a hold don't block the expiry of other holds.
        foreach (var one in new[] { ended, unknown, whole })
        {
            await redis.SortedSetAddAsync(Only.DueOf(sku), ReservationKey.Of(one.Id), 1);
        }

        await redis.SortedSetAddAsync(Only.Due, sku, 1);
        await Eventually.TrueAsync(async () =>
        {
            await worker.Engine.Holds.ExpireAsync(100);
            return await redis.SortedSetLengthAsync(Only.DueOf(sku)) == 2;
        });
        Assert.Equal(1 + 2, (await worker.Engine.Levels.SnapshotAsync(sku)).Reserved);
    }

    [Fact]
    public async Task A_hold_is_restored_although_the_keys_that_list_it_cannot_be_read()
    {
        await using var worker = await StartAsync();
        var (corrupt, whole) = (await Stores.SkuAsync(10), await Stores.SkuAsync(10));
        var deadline = DateTimeOffset.FromUnixTimeMilliseconds(
            TimeProvider.System.GetUtcNow().AddMinutes(9).ToUnixTimeMilliseconds());
        var kept = await Stores.HoldRowAsync(corrupt, 3, "pending", deadline, sequence: 1);
        var back = await Stores.HoldRowAsync(whole, 3, "pending", deadline, sequence: 1);
        var redis = worker.Redis.GetDatabase();
        await redis.StringSetAsync(Only.DueOf(corrupt), "tomorrow");
        await redis.HashSetAsync(Only.Ended(ReservationKey.Of(back)), "of another", "type");

        await RebuildAsync(worker);

        foreach (var one in new[] { back, kept })
        {
            var found = await worker.Engine.Holds.FindAsync(one);
            Assert.Equal((FindOutcome.Active, deadline), (found.Outcome, found.Reservation!.ExpiresAt));
        }

        Assert.Equal(
            ("3", "3"), (await Stores.FieldAsync(corrupt, "reserved"), await Stores.FieldAsync(whole, "reserved")));
    }

    [Theory]
    [InlineData("events")]
    [InlineData("due")]
    [InlineData("leases")]
    [InlineData("fences")]
    [InlineData("heartbeat")]
    [InlineData("waiting")]
    [InlineData("epoch")]
    [InlineData("former")]
    public async Task A_shared_key_of_another_type_is_removed_and_what_it_had_is_restored(string key)
    {
        await using var worker = await StartAsync();
        var redis = worker.Redis.GetDatabase();
        var sku = await Stores.SkuAsync(10);
        var (pending, pinned) = (await HoldAsync(worker, sku, 2), await HoldAsync(worker, sku, 3));
        await worker.Engine.Confirmations.PinAsync(pinned.Id, TimeSpan.FromHours(1));
        await RowAsync(pending, sku, "pending", 1);
        await RowAsync(pinned, sku, "pending", 1);
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        var closed = await Stores.SkuAsync(1);
        await worker.Engine.Maintenance.CloseSkuAsync(closed);
        RedisKey damaged = "{inv:0}:" + key;
        await redis.KeyDeleteAsync(damaged);
        await redis.HashSetAsync(damaged, "of another", "type");

        // Only a fence leads to a look at the former epoch.
        if (key == "former") await redis.KeyDeleteAsync(Only.Epoch);
        // A heartbeat may come before the fence's check, and removes this key too.
        if (key == "waiting") await Eventually.TrueAsync(async () => !await redis.KeyExistsAsync(damaged));
        else await worker.Log.WaitForAsync("sells again after", atLeast: 2);

        await worker.UntilOpenAsync();
        Assert.NotEqual(RedisType.Hash, await redis.KeyTypeAsync(damaged));
        Assert.Equal(
            (FindOutcome.Active, ReservationStatus.Pending, pending.ExpiresAt), await FindAsync(worker, pending.Id));
        Assert.Equal(FindOutcome.Active, (await worker.Engine.Holds.FindAsync(pinned.Id)).Outcome);
        Assert.NotNull(await redis.SortedSetScoreAsync(Only.Due, sku));
        Assert.Equal(ReserveOutcome.Insufficient, (await worker.ReserveAsync(sku, "many", 6)).Outcome);
        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "few", 5)).Outcome);
        // A lost lease ends at once, so that the hold is soon confirmed or pending again.
        if (key == "leases")
        {
            await Eventually.TrueAsync(async () =>
                await FindAsync(worker, pinned.Id) is (FindOutcome.Active, ReservationStatus.Pending, _));
        }

        // The repair of a SKU that another process has begun is finished.
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        await Eventually.TrueAsync(async () =>
            (await worker.ReserveAsync(closed, "late", 1)).Outcome == ReserveOutcome.Held,
            isTransient: e => e is CorruptDataException);
        Assert.True(await worker.IsHealthyAsync());
    }

    // Without the last id a script could add an event, and each later one would have a false time.
    [Theory]
    [InlineData("18446744073709551615-18446744073709551615", true)]
    [InlineData("18446744073709551615-18446744073709551615", false)]
    [InlineData("9999999999999-0", true)]
    public async Task Events_begin_anew_after_an_id_of_the_far_future(string id, bool isStored)
    {
        await using var worker = await StartAsync();
        var redis = worker.Redis.GetDatabase();
        var sku = await Stores.SkuAsync(10);
        var kept = await HoldAsync(worker, sku, 2);
        await RowAsync(kept, sku, "pending", 1);
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);

        await redis.StreamAddAsync(Only.Events, "by", "hand", id);
        if (isStored) await Stores.StoredAsync(id);
        await worker.Log.WaitForAsync("an id of the far future");
        await worker.Log.WaitForAsync("sells again after", atLeast: 2);

        Assert.Equal(
            (FindOutcome.Active, ReservationStatus.Pending, kept.ExpiresAt), await FindAsync(worker, kept.Id));
        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "next", 1)).Outcome);
        var now = await worker.Engine.Maintenance.NowAsync();
        Assert.True(StreamIds.IsPlausible(await worker.Engine.Maintenance.ReadLastEventIdAsync(Only), now));
        Assert.Equal(0L, await Stores.ReadAsync<long>(
            $"SELECT count(*) FROM stream_positions WHERE stream_id = '{id}'"));
        // It needed one rebuild, and stays open.
        Assert.Equal(2, worker.Log.Count("sells again after"));
    }

    [Fact]
    public async Task An_order_in_flight_is_committed_although_its_lease_was_lost_with_all_leases()
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        var hold = await HoldAsync(worker, sku, 3);
        await RowAsync(hold, sku, "pending", 1);
        var pinned = await worker.Engine.Confirmations.PinAsync(hold.Id, TimeSpan.FromHours(1));
        await worker.Confirmations.ConfirmAsync(
            new()
            {
                ReservationId = hold.Id,
                Pins = pinned.Pins,
                Holder = hold.Holder.Text,
                Lines = hold.Lines,
            },
            CancellationToken.None);
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        var redis = worker.Redis.GetDatabase();
        await redis.KeyDeleteAsync(Only.Leases);

        await redis.StringSetAsync(Only.Leases, "of another type");

        await Eventually.TrueAsync(
            async () => (await worker.Engine.Holds.FindAsync(hold.Id)).Reservation?.Status
                == ReservationStatus.Confirmed,
            isTransient: e => e is CorruptDataException);
        var level = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((7, 0), (level.Total, level.Reserved));
    }

    [Fact]
    public async Task A_heartbeat_that_is_no_number_keeps_no_due_hold()
    {
        await using var worker = await StartAsync();
        var redis = worker.Redis.GetDatabase();
        var sku = await Stores.SkuAsync(1);
        var hold = await HoldAsync(worker, sku, 1);
        await redis.StringSetAsync(Only.Heartbeat, "often");
        await redis.StringSetAsync(Only.Waiting, "long");

        await redis.SortedSetAddAsync(Only.DueOf(sku), ReservationKey.Of(hold.Id), 1);

        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "next", 1)).Outcome);
        await Eventually.TrueAsync(async () => (await redis.StringGetAsync(Only.Heartbeat)).TryParse(out long _));
    }

    [Fact]
    public async Task A_failed_rebuild_does_not_end_the_process_and_a_later_attempt_opens_the_partition()
    {
        await using var worker = await StartAsync();
        var sku = await Stores.SkuAsync(10);
        await worker.ReserveAsync(sku, "a", 1);
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);
        await Stores.ExecuteAsync("ALTER TABLE reservations RENAME COLUMN lines TO aside");
        await worker.Redis.GetDatabase().KeyDeleteAsync(Only.Epoch);
        await worker.Log.WaitForAsync("sells nothing until Redis is checked", atLeast: 3);
        Assert.Equal(ReserveOutcome.Fenced, (await worker.ReserveAsync(sku, "b", 1)).Outcome);

        await Stores.ExecuteAsync("ALTER TABLE reservations RENAME COLUMN aside TO lines");

        await worker.UntilOpenAsync();
        Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(sku, "b", 9)).Outcome);
    }

    // Automatic repair is off, so that the audit doesn't repair what the rebuild has to.
    private Task<Worker> StartAsync() => Worker.StartCapturingAsync(Stores, ("Audit:AutomaticRepair", "false"));

    private async Task RebuildAsync(Worker worker)
    {
        if (await worker.Engine.Maintenance.ReadLastEventIdAsync(Only) is { } last) await Stores.StoredAsync(last);
        await worker.Redis.GetDatabase().KeyDeleteAsync(Only.Epoch);
        await worker.UntilOpenAsync();
        await worker.Log.WaitForAsync("sells again after", atLeast: 2);
    }

    private static async Task<Reservation> HoldAsync(Worker worker, string sku, int quantity) =>
        (await worker.ReserveAsync(sku, $"user-{quantity}", quantity)).Reservation!;

    private Task<Guid> RowAsync(Reservation hold, string sku, string status, int sequence) => Stores.HoldRowAsync(
        sku, hold.Lines[0].Quantity, status, hold.ExpiresAt, sequence, hold.Holder.Text, hold.Id);

    private static Task<bool> CorruptAsync(IDatabase redis, Guid id, string text) =>
        redis.HashSetAsync(Only.HoldsOf(ReservationKey.Of(id)), ReservationKey.Of(id), text);

    private static int Named(Worker worker, Guid id) =>
        worker.Log.All.Count(line =>
            line.Text.Contains("could not be read", StringComparison.Ordinal)
            && line.Text.Contains(id.ToString(), StringComparison.Ordinal));

    private static async Task<(FindOutcome, ReservationStatus, DateTimeOffset)> FindAsync(Worker worker, Guid id)
    {
        var found = await worker.Engine.Holds.FindAsync(id);
        return (found.Outcome, found.Reservation!.Status, found.Reservation.ExpiresAt);
    }
}
