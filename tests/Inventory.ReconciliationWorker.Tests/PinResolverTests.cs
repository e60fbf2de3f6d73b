using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>The worker completes or undoes a confirm that crashed between two steps.</summary>
public sealed class PinResolverTests(Stores stores) : IClassFixture<Stores>
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Theory]
    //          steps that were done before the crash     status
    [InlineData(CrashedAfter.Pin, ReservationStatus.Pending)]
    [InlineData(CrashedAfter.Order, ReservationStatus.Confirmed)]
    [InlineData(CrashedAfter.Commit, ReservationStatus.Confirmed)]
    [InlineData(CrashedAfter.Abandon, ReservationStatus.Pending)]
    public async Task A_crash_between_two_steps_leaves_no_half_done_confirm(CrashedAfter step, ReservationStatus status)
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        var id = await HoldAsync(worker.Engine, sku, 3, TimeSpan.FromMinutes(10));

        var pinned = await worker.Engine.Confirmations.PinAsync(id, Lease);
        if (step == CrashedAfter.Abandon)
        {
            await worker.Confirmations.AbandonAsync(id, 0, pinned.Pins[0].Number, CancellationToken.None);
        }
        else if (step != CrashedAfter.Pin)
        {
            var answer = await worker.Confirmations.ConfirmAsync(Request(pinned), CancellationToken.None);
            if (step == CrashedAfter.Commit) await worker.Engine.Confirmations.CommitAsync(id, Totals(answer));
        }

        await stores.EndLeasesAsync();
        await worker.Resolver.ResolveAsync(CancellationToken.None);
        await Eventually.TrueAsync(async () => await StatusAsync(worker.Engine, id) != ReservationStatus.Confirming);

        var late = await worker.Confirmations.ConfirmAsync(Request(pinned), CancellationToken.None);
        Assert.Equal(status, await StatusAsync(worker.Engine, id));
        Assert.Equal(status == ReservationStatus.Confirmed ? ConfirmOutcome.AlreadyConfirmed
            : ConfirmOutcome.PinAbandoned, late.Outcome);
        var left = status == ReservationStatus.Confirmed ? (7, 0) : (10, 3);
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal(left, (snapshot.Total, snapshot.Reserved));
        Assert.Equal(left.Item1, await TotalAsync(sku));
    }

    [Theory]
    [InlineData("corrupt")]
    [InlineData("c\tmany\t1\t1\tu:me\tsku\t1")]
    [InlineData("c\t1\t1\t1\tu:me\tsku\tone")]
    [InlineData("c\t1\t1\t1\tu:me\tsku")]
    public async Task A_hold_that_cannot_be_read_does_not_block_the_resolving_of_others(string text)
    {
        await using var worker = await Worker.StartCapturingAsync(stores, ("Audit:AutomaticRepair", "false"));
        var sku = await stores.SkuAsync(10);
        var (redis, keys) = (worker.Redis.GetDatabase(), default(Partition));
        var (corrupt, id) = (
            await HoldAsync(worker.Engine, sku, 1, TimeSpan.FromMinutes(10)),
            await HoldAsync(worker.Engine, sku, 2, TimeSpan.FromMinutes(10)));
        await worker.Engine.Confirmations.PinAsync(corrupt, Lease);
        await worker.Engine.Confirmations.PinAsync(id, Lease);
        await redis.HashSetAsync(keys.HoldsOf(ReservationKey.Of(corrupt)), ReservationKey.Of(corrupt), text);
        await redis.SortedSetAddAsync(keys.Leases, "no reservation", 1);
        await stores.EndLeasesAsync();

        await worker.Resolver.ResolveAsync(CancellationToken.None);

        await Eventually.EqualAsync(ReservationStatus.Pending, () => StatusAsync(worker.Engine, id));
        await redis.KeyDeleteAsync(keys.Leases);
        await redis.HashDeleteAsync(keys.HoldsOf(ReservationKey.Of(corrupt)), ReservationKey.Of(corrupt));
    }

    [Fact]
    public async Task A_sku_that_cannot_be_read_blocks_only_its_own_orders_until_it_is_repaired()
    {
        await using var worker = await Worker.StartCapturingAsync(stores, ("Audit:AutomaticRepair", "false"));
        var (redis, keys) = (worker.Redis.GetDatabase(), default(Partition));
        var (corrupt, good) = (await stores.SkuAsync(10), await stores.SkuAsync(10));
        var first = await OrderAsync(worker, corrupt);
        var second = await OrderAsync(worker, good);
        RedisKey key = $"{{inv:0}}:stock:{corrupt}";
        await redis.KeyRenameAsync(key, "{inv:0}:aside");
        await redis.StringSetAsync(key, "ten");
        await stores.EndLeasesAsync();
        await redis.SortedSetAddAsync(keys.Leases, ReservationKey.Of(first), 0, SortedSetWhen.Exists);

        await worker.Resolver.ResolveAsync(CancellationToken.None);

        Assert.Equal(ReservationStatus.Confirmed, await StatusAsync(worker.Engine, second));
        Assert.Equal(ReservationStatus.Confirming, await StatusAsync(worker.Engine, first));
        await redis.KeyRenameAsync("{inv:0}:aside", key);
        await Eventually.TrueAsync(async () =>
            await StatusAsync(worker.Engine, first) == ReservationStatus.Confirmed);
        var snapshot = await worker.Engine.Levels.SnapshotAsync(corrupt);
        Assert.Equal((7, 0), (snapshot.Total, snapshot.Reserved));
    }

    [Fact]
    public async Task An_unpinned_hold_can_be_confirmed_again()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        var id = await HoldAsync(worker.Engine, sku, 3, TimeSpan.FromMinutes(10));
        await worker.Engine.Confirmations.PinAsync(id, Lease);
        await stores.EndLeasesAsync();
        await worker.Resolver.ResolveAsync(CancellationToken.None);
        await Eventually.EqualAsync(ReservationStatus.Pending, () => StatusAsync(worker.Engine, id));

        Assert.True(await ConfirmAsync(worker, id));
        Assert.Equal(7, await TotalAsync(sku));
    }

    [Fact]
    public async Task A_hold_with_the_id_of_an_earlier_order_is_not_confirmed_by_it()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        var id = await HoldAsync(worker.Engine, sku, 3, TimeSpan.FromMinutes(10));
        Assert.True(await ConfirmAsync(worker, id));
        await stores.ForgetEndAsync(id);
        await HoldAsync(worker.Engine, sku, 1, TimeSpan.FromMinutes(10), id);
        var pinned = await worker.Engine.Confirmations.PinAsync(id, Lease);
        var refused = await worker.Confirmations.ConfirmAsync(Request(pinned), CancellationToken.None);
        Assert.Equal(ConfirmOutcome.IdUsedBefore, refused.Outcome);

        // The caller died before it unpinned the hold.
        await stores.EndLeasesAsync();
        await worker.Resolver.ResolveAsync(CancellationToken.None);
        await Eventually.TrueAsync(async () => await StatusAsync(worker.Engine, id) != ReservationStatus.Confirming);

        Assert.Equal(ReservationStatus.Pending, await StatusAsync(worker.Engine, id));
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((7, 1), (snapshot.Total, snapshot.Reserved));
    }

    [Fact]
    public async Task Exactly_one_of_concurrent_confirm_release_and_expiry_wins_and_totals_are_exact()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10_000);
        var ends = new (bool Confirmed, bool Released, ReservationStatus Final)[10_000];

        await Parallel.ForAsync(0, ends.Length, new ParallelOptions { MaxDegreeOfParallelism = 20 }, async (i, _) =>
        {
            var id = await HoldAsync(worker.Engine, sku, 1, TimeSpan.FromMilliseconds(1 + (i % 40)));
            var confirming = i % 2 == 0 ? null : ConfirmAsync(worker, id);
            var releasing = worker.Engine.Holds.ReleaseAsync(id, null);
            confirming ??= ConfirmAsync(worker, id);
            var released = (await releasing).Outcome == ReleaseOutcome.Released;
            ends[i] = (await confirming, released, await StatusAsync(worker.Engine, id));
        });

        Assert.All(ends, end => Assert.Equal(
            end.Confirmed ? (false, ReservationStatus.Confirmed)
            : end.Released ? (true, ReservationStatus.Released) : (false, ReservationStatus.Expired),
            (end.Released, end.Final)));
        var sold = ends.Count(end => end.Confirmed);
        Assert.InRange(sold, 1, ends.Length - 1);
        Assert.Equal(10_000 - sold, await TotalAsync(sku));
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((10_000 - sold, 0), (snapshot.Total, snapshot.Reserved));
    }

    /// <summary>The last step that was done.</summary>
    public enum CrashedAfter
    {
        Pin,
        Order,
        Commit,
        Abandon,
    }

    private static async Task<Guid> HoldAsync(
        StockStores engine, string sku, int quantity, TimeSpan holdFor, Guid? own = null)
    {
        var id = own ?? Guid.NewGuid();
        var answer = await engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer($"user-{id:N}"),
            Lines = [new(sku, quantity)],
            HoldFor = holdFor,
        });
        Assert.Equal(ReserveOutcome.Held, answer.Outcome);
        return id;
    }

    /// <summary>A hold of 3 units with a written order. Its confirm died before the commit in Redis.</summary>
    private static async Task<Guid> OrderAsync(Worker worker, string sku)
    {
        var id = await HoldAsync(worker.Engine, sku, 3, TimeSpan.FromMinutes(10));
        var pinned = await worker.Engine.Confirmations.PinAsync(id, Lease);
        var answer = await worker.Confirmations.ConfirmAsync(Request(pinned), CancellationToken.None);
        Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome);
        return id;
    }

    private static async Task<bool> ConfirmAsync(Worker worker, Guid id)
    {
        var pinned = await worker.Engine.Confirmations.PinAsync(id, Lease);
        if (pinned.Outcome < 0) return false;
        var answer = await worker.Confirmations.ConfirmAsync(Request(pinned), CancellationToken.None);
        Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome);
        Assert.Equal(CommitOutcome.Committed, await worker.Engine.Confirmations.CommitAsync(id, Totals(answer)));
        return true;
    }

    private static ConfirmRequest Request(PinAnswer pinned) => new()
    {
        ReservationId = pinned.Reservation!.Id,
        Pins = pinned.Pins,
        Holder = pinned.Reservation.Holder.Text,
        Lines = pinned.Reservation.Lines,
    };

    private static IReadOnlyList<SkuTotal> Totals(ConfirmAnswer answer) =>
        answer.Totals;

    private static async Task<ReservationStatus> StatusAsync(StockStores engine, Guid id) =>
        (await engine.Holds.FindAsync(id)).Reservation!.Status;

    private Task<int> TotalAsync(string sku) =>
        stores.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'");
}
