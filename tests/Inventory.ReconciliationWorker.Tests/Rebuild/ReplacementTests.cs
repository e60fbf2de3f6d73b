using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Rebuild;

/// <summary>Servers that restart and processes that die in the middle of operations that depend on them.</summary>
public sealed class ReplacementTests : OwnStores
{
    [Fact]
    public async Task Restored_old_files_are_brought_up_to_what_PostgreSQL_has()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        var released = (await worker.ReserveAsync(sku, "a", 1)).Reservation!;
        var extended = (await worker.ReserveAsync(sku, "b", 2)).Reservation!;
        await StoredAllAsync(worker);
        await Stores.Redis.StopAsync();
        Stores.Redis.Backup();
        await Stores.Redis.RestartAsync();
        await worker.UntilOpenAsync();
        await worker.Engine.Holds.ReleaseAsync(released.Id, null);
        var later = (await worker.Engine.Holds.ExtendAsync(extended.Id, TimeSpan.FromMinutes(30), null))
            .Reservation!.ExpiresAt;
        var held = (await worker.ReserveAsync(sku, "c", 3)).Reservation!;
        await Stores.HoldRowAsync(sku, 1, "released", released.ExpiresAt, 2, "u:a", released.Id);
        await Stores.HoldRowAsync(sku, 2, "pending", later, 2, "u:b", extended.Id);
        await Stores.HoldRowAsync(sku, 3, "pending", held.ExpiresAt, 1, "u:c", held.Id);
        await Stores.ExecuteAsync($"UPDATE inventory SET total = 9 WHERE sku_id = '{sku}'");
        await Stores.InRedisAsync(sku, 9);
        await StoredAllAsync(worker);

        await Stores.Redis.StopAsync();
        Stores.Redis.PutBackupBack();
        await Stores.Redis.RestartAsync();
        await Eventually.EqualAsync(1, () => worker.Log.Count("s older than what PostgreSQL has"));
        await worker.UntilOpenAsync();

        Assert.Equal(
            ReservationStatus.Released, (await worker.Engine.Holds.FindAsync(released.Id)).Reservation!.Status);
        Assert.Equal(later, (await worker.Engine.Holds.FindAsync(extended.Id)).Reservation!.ExpiresAt);
        Assert.Equal(held.ExpiresAt, (await worker.Engine.Holds.FindAsync(held.Id)).Reservation!.ExpiresAt);
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((9, 5, 2), (snapshot.Total, snapshot.Reserved, snapshot.Holds));
    }

    [Fact]
    public async Task A_confirm_during_a_rebuild_becomes_one_order_and_no_hold()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        var held = await StoredHoldAsync(worker, sku, 3);
        var pinned = await worker.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1));
        Task<ConfirmAnswer> confirm;
        await using (await Stores.LockAsync("inventory"))
        {
            confirm = worker.Confirmations.ConfirmAsync(Request(pinned), CancellationToken.None);
            await Stores.UntilLockedOutAsync("%inventory%FOR NO KEY UPDATE%");

            await worker.Redis.GetDatabase().ExecuteAsync("FLUSHALL");

            // The order is being written: the rebuild reads nothing that depends on it before it is committed.
            await Stores.UntilLockedOutAsync("%INSERT INTO fences%");
        }

        Assert.Equal(ConfirmOutcome.Confirmed, (await confirm).Outcome);
        await worker.UntilOpenAsync();
        // The rebuilt Redis doesn't know the hold, and needs no commit.
        Assert.Equal(
            CommitOutcome.NotFound, await worker.Engine.Confirmations.CommitAsync(held.Id, Totals(await confirm)));
        await AssertSoldAsync(worker, sku);
    }

    [Fact]
    public async Task A_pin_from_before_a_rebuild_is_refused_and_the_restored_hold_can_be_confirmed()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores);
        var sku = await Stores.SkuAsync(10);
        var held = await StoredHoldAsync(worker, sku, 3);
        var lost = await worker.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1));

        await worker.Redis.GetDatabase().ExecuteAsync("FLUSHALL");
        await worker.UntilOpenAsync();

        var refused = await worker.Confirmations.ConfirmAsync(Request(lost), CancellationToken.None);
        Assert.Equal((ConfirmOutcome.PinOutdated, null), (refused.Outcome, refused.Order));
        var again = await worker.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1));
        var answer = await worker.Confirmations.ConfirmAsync(Request(again), CancellationToken.None);
        Assert.Equal(ConfirmOutcome.Confirmed, answer.Outcome);
        Assert.Equal(CommitOutcome.Committed, await worker.Engine.Confirmations.CommitAsync(held.Id, Totals(answer)));
        await AssertSoldAsync(worker, sku);
    }

    [Fact]
    public async Task A_worker_killed_during_a_rebuild_leaves_the_partition_fenced_and_the_next_one_completes()
    {
        string sku;
        Reservation held;
        await using (var worker = await Worker.StartCapturingAsync(Stores))
        {
            sku = await Stores.SkuAsync(3);
            held = await StoredHoldAsync(worker, sku, 3);
        }

        await using var connection = await ConnectionMultiplexer.ConnectAsync(Stores.Redis.AdminConnectionString);
        await connection.GetDatabase().ExecuteAsync("FLUSHALL");
        await using (await Stores.LockAsync("reservations"))
        {
            await using var killed = await Stores.StartProcessAsync("Inventory.ReconciliationWorker");
            await Stores.UntilLockedOutAsync("%FROM reservations row%");
            await killed.KillAsync();
        }

        // All three units look available but are held.
        Assert.Equal("3", await Stores.FieldAsync(sku, "total"));
        Assert.False(await connection.GetDatabase().KeyExistsAsync(Only.Epoch));
        await using var next = Worker.Start(Stores);
        await next.UntilOpenAsync();

        Assert.Equal(1, next.Log.Count("an earlier rebuild broke off"));
        Assert.Equal(held.ExpiresAt, (await next.Engine.Holds.FindAsync(held.Id)).Reservation!.ExpiresAt);
        Assert.Equal(ReserveOutcome.Insufficient, (await next.ReserveAsync(sku, "other", 1)).Outcome);
    }

    [Fact]
    public async Task Each_partition_is_rebuilt_separately()
    {
        await using var worker = await Worker.StartCapturingAsync(Stores, ("Inventory:Partitions", "2"));
        string[] skus = ["pair-a", "pair-b"];
        Assert.Equal([0, 1], skus.Select(sku => Partition.Of(sku, 2).Index).Order());
        foreach (var sku in skus)
        {
            await Stores.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Something')");
            await Stores.ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{sku}', 10)");
        }

        var (id, deadline) = (Guid.NewGuid(), DateTimeOffset.FromUnixTimeMilliseconds(
            TimeProvider.System.GetUtcNow().AddMinutes(9).ToUnixTimeMilliseconds()));
        foreach (var sku in skus)
        {
            await Stores.HoldRowAsync(
                sku, 2, "pending", deadline, 1, id: id, partition: Partition.Of(sku, 2).Index);
        }

        await worker.Redis.GetDatabase().ExecuteAsync("FLUSHALL");
        await worker.UntilOpenAsync();
        var found = (await worker.Engine.Holds.FindAsync(id)).Reservation!;
        Assert.Equal(skus, found.Lines.Select(line => line.Sku).Order());
        Assert.Equal(deadline, found.ExpiresAt);

        var (first, second) = (skus.Single(IsFirst), skus.Single(sku => !IsFirst(sku)));
        await using (await Stores.LockAsync("reservations"))
        {
            await worker.Redis.GetDatabase().KeyDeleteAsync(new Partition(1).Epoch);
            await Stores.UntilLockedOutAsync("%FROM reservations row%");

            Assert.Equal(ReserveOutcome.Fenced, (await worker.ReserveAsync(second, "a", 1)).Outcome);
            Assert.Equal(ReserveOutcome.Held, (await worker.ReserveAsync(first, "a", 1)).Outcome);
        }

        await worker.UntilOpenAsync();
        Assert.Equal(3, (await worker.Engine.Levels.SnapshotAsync(first)).Reserved);
        Assert.Equal(2, (await worker.Engine.Levels.SnapshotAsync(second)).Reserved);

        static bool IsFirst(string sku) => Partition.Of(sku, 2).Index == 0;
    }

    [Fact]
    public async Task The_fence_is_checked_at_once_when_the_connection_comes_back()
    {
        await using var worker = await Worker.StartCapturingAsync(
            Stores, ("Reconciliation:FenceCheckInterval", "00:01:00"));

        await Stores.Redis.KillAsync();
        await Stores.Redis.RestartAsync();

        // The next regular check comes after a minute.
        await worker.UntilOpenAsync(patience: TimeSpan.FromSeconds(30));
    }

    private async Task<Reservation> StoredHoldAsync(Worker worker, string sku, int quantity)
    {
        var held = (await worker.ReserveAsync(sku, "a", quantity)).Reservation!;
        await Stores.HoldRowAsync(sku, quantity, "pending", held.ExpiresAt, 1, "u:a", held.Id);
        await StoredAllAsync(worker);
        return held;
    }

    private async Task StoredAllAsync(Worker worker) =>
        await Stores.StoredAsync((await worker.Engine.Maintenance.ReadLastEventIdAsync(Only))!);

    private async Task AssertSoldAsync(Worker worker, string sku)
    {
        Assert.Equal(1L, await Stores.ReadAsync<long>("SELECT count(*) FROM orders"));
        Assert.Equal(7, await Stores.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"));
        await Stores.InRedisAsync(sku, 7);
        var snapshot = await worker.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((7, 0, 0), (snapshot.Total, snapshot.Reserved, snapshot.Holds));
    }

    private static ConfirmRequest Request(PinAnswer pinned) => new()
    {
        ReservationId = pinned.Reservation!.Id,
        Pins = [.. pinned.Pins.Select(pin => new Lease(pin.Partition, pin.Number, pin.Epoch))],
        Holder = pinned.Reservation.Holder.Text,
        Lines = pinned.Reservation.Lines,
    };

    private static IReadOnlyList<SkuTotal> Totals(ConfirmAnswer answer) =>
        [.. answer.Totals.Select(total => new SkuTotal(total.Sku, total.Total, total.Version))];
}
