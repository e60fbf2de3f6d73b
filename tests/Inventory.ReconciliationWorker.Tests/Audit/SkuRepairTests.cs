using Inventory.Contracts;
using Inventory.ReconciliationWorker.Audit;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>A SKU is repaired as a whole, while the others are sold.</summary>
public sealed class SkuRepairTests(Stores stores) : IClassFixture<Stores>
{
    private const string Movements = "%INTO inventory_movements%";

    private static Partition Only => default;

    [Fact]
    public async Task A_sku_under_repair_sells_nothing_and_the_others_sell()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var (sku, id) = await scene.SkuWithHoldAsync(10);
        var (other, free) = await scene.SkuWithHoldAsync(10);
        await using (await stores.LockAsync("inventory_movements IN SHARE MODE"))
        {
            await scene.Redis.HashIncrementAsync(Only.Stock(sku), "reserved", 3);
            await stores.UntilLockedOutAsync(Movements);

            await RefusedAsync(sku, () => scene.Worker.ReserveAsync(sku, "new", 1));
            await RefusedAsync(sku, () => scene.Engine.Holds.ReleaseAsync(id, null));
            await RefusedAsync(sku, () => scene.Engine.Confirmations.PinAsync(id, TimeSpan.FromMinutes(1)));
            Assert.Equal(ReserveOutcome.Held, (await scene.Worker.ReserveAsync(other, "new", 8)).Outcome);
            Assert.Equal(ReleaseOutcome.Released, (await scene.Engine.Holds.ReleaseAsync(free, null)).Outcome);
        }

        var (_, repair) = await scene.FindingAsync("Reserved", sku, repaired: true);
        Assert.EndsWith("total 10, reserved 2 (was 5) in 1 hold.", repair, StringComparison.Ordinal);
        Assert.Equal(ReserveOutcome.Held, (await scene.Worker.ReserveAsync(sku, "new", 8)).Outcome);
        Assert.Empty(await scene.Engine.Maintenance.ReadFencedSkusAsync(Only));
    }

    [Fact]
    public async Task A_sku_whose_repair_was_killed_stays_closed_until_another_process_repeats_the_repair()
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync(stores.Redis.AdminConnectionString);
        var engine = new StockStores(redis, Options.Create(new StockOptions()));
        await using var materializer = await stores.StartProcessAsync("Inventory.Materializer");
        await using var first = await stores.StartProcessAsync("Inventory.ReconciliationWorker");
        var (sku, other) = (await stores.SkuAsync(10), await stores.SkuAsync(10));
        var (lost, kept) = (await HoldAsync(engine, sku, 2), await HoldAsync(engine, sku, 3));
        await Eventually.TrueAsync(async () => await stores.ReadAsync<long>(
            $"SELECT count(*) FROM reservations WHERE reservation_id IN ('{lost}', '{kept}')") == 2);
        await using (await stores.LockAsync("inventory_movements IN SHARE MODE"))
        {
            await redis.GetDatabase().HashDeleteAsync(Only.HoldsOf(ReservationKey.Of(lost)), ReservationKey.Of(lost));
            await stores.UntilLockedOutAsync(Movements);
            await first.KillAsync();
        }

        await RefusedAsync(sku, () => ReserveAsync(engine, sku, 1));
        await RefusedAsync(sku, () => engine.Holds.ReleaseAsync(kept, null));
        Assert.Equal(ReserveOutcome.Held, (await ReserveAsync(engine, other, 1)).Outcome);
        // A crash may have come at any other step: the data of the SKU is as after the first of them.
        await engine.Maintenance.ClearSkuAsync(
            new(Only, sku, await redis.GetDatabase().HashGetAsync(Only.Stock(sku), "fenced")));

        // What was begun is finished, also where automatic repair has been switched off since.
        await using var next = await stores.StartProcessAsync(
            "Inventory.ReconciliationWorker", ("Audit:AutomaticRepair", "false"));
        await Eventually.TrueAsync(async () => (await engine.Maintenance.ReadFencedSkusAsync(Only)).Count == 0);

        Assert.Equal((10, 5, 2), await LevelAsync(engine, sku));
        Assert.Equal(ReserveOutcome.Insufficient, (await ReserveAsync(engine, sku, 6)).Outcome);
        Assert.Equal(ReserveOutcome.Held, (await ReserveAsync(engine, sku, 5)).Outcome);
        foreach (var id in new[] { lost, kept })
        {
            Assert.Equal(ReleaseOutcome.Released, (await engine.Holds.ReleaseAsync(id, null)).Outcome);
        }

        await Eventually.TrueAsync(() => stores.ReadAsync<bool>(
            $"""
            SELECT EXISTS (SELECT FROM audit_findings
                WHERE sku_id = '{sku}' AND actual = 'closed for a repair' AND repaired_at IS NOT NULL)
            """));
    }

    [Fact]
    public async Task Holds_of_several_skus_are_restored_and_removed_with_all_their_lines()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var (one, two) = (await stores.SkuAsync(20), await stores.SkuAsync(20));
        var (lost, ended, whole) = (
            await BothAsync(scene, one, two), await BothAsync(scene, one, two), await BothAsync(scene, one, two));
        await Eventually.TrueAsync(async () => await stores.ReadAsync<long>(
            $"SELECT count(*) FROM reservations WHERE reservation_id IN ('{lost}', '{ended}', '{whole}')") == 3);
        await scene.Redis.HashDeleteAsync(Only.HoldsOf(ReservationKey.Of(lost)), ReservationKey.Of(lost));
        await stores.ExecuteAsync(
            $"UPDATE reservations SET status = 'released', sequence = 2 WHERE reservation_id = '{ended}'");

        await scene.RunAsync(dryRun: false);
        await scene.RunAsync(dryRun: false);

        Assert.Equal((20, 2, 2), await LevelAsync(scene.Engine, one));
        Assert.Equal((20, 4, 2), await LevelAsync(scene.Engine, two));
        var found = await scene.Engine.Holds.FindAsync(ended);
        Assert.Equal((FindOutcome.Ended, ReservationStatus.Released), (found.Outcome, found.Reservation!.Status));
        foreach (var id in new[] { lost, whole })
        {
            Assert.Equal(ReleaseOutcome.Released, (await scene.Engine.Holds.ReleaseAsync(id, null)).Outcome);
        }

        Assert.Equal((20, 0, 0), await LevelAsync(scene.Engine, one));
        Assert.Equal((20, 0, 0), await LevelAsync(scene.Engine, two));
        Assert.Equal(0, await stores.ReadAsync<long>(
            $"SELECT found FROM audit_runs WHERE id = {await scene.RunAsync(dryRun: true, one)}"));
    }

    [Fact]
    public async Task A_sku_is_not_closed_while_events_are_not_stored()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var (sku, _) = await scene.SkuWithHoldAsync(10);
        await using (await stores.LockAsync("reservation_events"))
        {
            await scene.HoldAsync(sku, 1);
            await scene.Redis.HashIncrementAsync(Only.Stock(sku), "reserved", 3);

            var run = await scene.RunAsync(dryRun: false, sku);

            Assert.True(await stores.ReadAsync<bool>(
                $"SELECT undecided > 0 AND repaired = 0 AND found > 0 FROM audit_runs WHERE id = {run}"));
            Assert.Equal("6", await stores.FieldAsync(sku, "reserved"));
            Assert.Equal(ReserveOutcome.Held, (await scene.Worker.ReserveAsync(sku, "new", 1)).Outcome);
        }

        await Eventually.TrueAsync(async () =>
        {
            await scene.RunAsync(dryRun: false, sku);
            return await stores.FieldAsync(sku, "reserved") == "4";
        });
    }

    [Fact]
    public async Task A_run_that_waited_for_the_materializer_in_vain_makes_the_repair_later()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var sku = await stores.SkuAsync(10);
        var run = new AuditRun(1, "", Requested: true, DryRun: false, Repairs: true);
        scene.FreezeMaterializer();
        await HoldAsync(scene.Engine, sku, 2);
        Assert.Null(await scene.Worker.Repair.SkuAsync(run, sku, CancellationToken.None));

        scene.ThawMaterializer();

        await Eventually.TrueAsync(async () =>
            await scene.Worker.Repair.SkuAsync(run, sku, CancellationToken.None) is not null);
        Assert.Equal((10, 2, 1), await LevelAsync(scene.Engine, sku));
    }

    [Fact]
    public async Task Repairs_of_a_sku_during_its_sale_lose_nothing_and_sell_nothing_twice()
    {
        const int Total = 60;
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        string[] skus = [await stores.SkuAsync(Total), await stores.SkuAsync(Total), await stores.SkuAsync(Total)];
        using var ended = new CancellationTokenSource();
        var shoppers = Enumerable.Range(0, 6).Select(number => Task.Run(async () =>
        {
            var random = new Random(number);
            var done = 0;
            for (; !ended.IsCancellationRequested; done++)
            {
                try
                {
                    await ShopAsync(scene, skus, random);
                }
                catch (CorruptDataException)
                {
                    // The SKU of this hold is being repaired. The hold expires, or the worker finishes its confirm.
                }
            }

            return done;
        })).ToArray();

        var rebuilt = 0;
        for (var run = 1; run <= 60; run++)
        {
            // The audit repairs it too, at the same time.
            if (run % 5 == 0) await scene.Redis.SortedSetRemoveAsync(Only.Due, skus[0]);
            var repaired = await scene.Worker.Repair.SkuAsync(
                new(run, "", Requested: true, DryRun: false, Repairs: true), skus[run % 2], CancellationToken.None);
            if (repaired is not null) rebuilt++;
            Assert.InRange((await scene.Engine.Audit.AuditStockAsync(Only, [skus[1]]))!.Skus[0].Reserved, 0, Total);
        }

        await ended.CancelAsync();
        Assert.InRange((await Task.WhenAll(shoppers)).Sum(), 100, int.MaxValue);
        Assert.InRange(rebuilt, 20, int.MaxValue);
        await Eventually.TrueAsync(async () =>
        {
            await stores.EndLeasesAsync();
            return (await scene.Engine.Audit.ReadLeasesAsync(Only, 1)).Count == 0;
        });
        await scene.CyclesAsync(2);
        foreach (var sku in skus)
        {
            var look = (await scene.Engine.Audit.AuditStockAsync(Only, [sku]))!.Skus[0];
            Assert.Equal(look.Held, look.Reserved);
            var sold = await stores.ReadAsync<long>(
                $"SELECT coalesce(sum(quantity), 0)::bigint FROM order_items WHERE sku_id = '{sku}'");
            Assert.Equal(Total, look.Total + sold);
            Assert.InRange(look.Reserved, 0, look.Total);
            Assert.Equal(look.Reserved, await stores.ReadAsync<long>(
                $"""
                SELECT coalesce(sum((line ->> 'quantity')::int), 0) FROM reservations, jsonb_array_elements(lines) line
                WHERE status = 'pending' AND line ->> 'sku' = '{sku}'
                """));
        }

        var named = string.Join("', '", skus);
        Assert.Empty(await stores.ReadAsync<string>(
            $"""
            SELECT coalesce(string_agg(concat_ws(' ', kind, subject, expected, actual, evidence), E'\n'), '')
            FROM audit_findings WHERE sku_id IN ('{named}')
                AND actual NOT IN ('it has a later time, or none', 'closed for a repair')
                AND actual NOT LIKE '% it is being repaired'
            """));
    }

    private static async Task ShopAsync(AuditScene scene, string[] skus, Random random)
    {
        var id = Guid.NewGuid();
        var first = random.Next(skus.Length);
        List<Line> lines = [new(skus[first], random.Next(1, 3))];
        if (random.Next(3) == 0) lines.Add(new(skus[(first + 1) % skus.Length], 1));
        var answer = await scene.Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer($"shopper-{random.Next(20)}"),
            Lines = lines,
            HoldFor = TimeSpan.FromMilliseconds(random.Next(50, 800)),
            OnExisting = OnExisting.Allow,
        });
        if (answer.Outcome != ReserveOutcome.Held) return;
        var way = random.Next(12);
        if (way < 3) await scene.Engine.Holds.ExpireAsync(50);
        else if (way < 7) await scene.Engine.Holds.ReleaseAsync(id, null);
        else if (way < 11) await scene.Engine.Holds.ExtendAsync(id, TimeSpan.FromMilliseconds(300), null);
        else await ConfirmAsync(scene, id);
    }

    private static async Task ConfirmAsync(AuditScene scene, Guid id)
    {
        var pinned = await scene.Engine.Confirmations.PinAsync(id, TimeSpan.FromMinutes(1));
        if (pinned.Outcome < 0) return;
        var confirmed = await scene.Worker.Confirmations.ConfirmAsync(
            new()
            {
                ReservationId = id,
                Pins = pinned.Pins,
                Holder = pinned.Reservation!.Holder.Text,
                Lines = pinned.Reservation.Lines,
            },
            CancellationToken.None);
        await scene.Engine.Confirmations.CommitAsync(id, confirmed.Totals);
    }

    private static async Task RefusedAsync(string sku, Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<CorruptDataException>(call);
        Assert.Equal((sku, true), (failure.Sku, failure.IsBeingRepaired));
    }

    private static Task<ReserveAnswer> ReserveAsync(StockStores engine, string sku, int quantity) =>
        engine.Holds.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer($"user-{Guid.NewGuid():N}"),
            Lines = [new(sku, quantity)],
            HoldFor = TimeSpan.FromHours(1),
        });

    private static async Task<Guid> HoldAsync(StockStores engine, string sku, int quantity)
    {
        // A worker opens the partition a moment after it has started.
        ReserveAnswer? answer = null;
        await Eventually.TrueAsync(async () =>
            (answer = await ReserveAsync(engine, sku, quantity)).Outcome == ReserveOutcome.Held);
        return answer!.Reservation!.Id;
    }

    private static async Task<Guid> BothAsync(AuditScene scene, string one, string two)
    {
        var id = Guid.NewGuid();
        await scene.Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer($"user-{id:N}"),
            Lines = [new(one, 1), new(two, 2)],
            HoldFor = TimeSpan.FromHours(1),
        });
        return id;
    }

    /// <summary>Total, reserved and number of holds of a SKU.</summary>
    private static async Task<(int Total, int Reserved, int Holds)> LevelAsync(StockStores engine, string sku)
    {
        var snapshot = await engine.Levels.SnapshotAsync(sku);
        return (snapshot.Total, snapshot.Reserved, snapshot.Holds);
    }
}
