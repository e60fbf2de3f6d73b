using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>Under load, operations that are under way are no findings, and real ones are found.</summary>
public sealed class AuditLoadTests(Stores stores) : IClassFixture<Stores>
{
    private const int Shoppers = 12;
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Sales_and_changes_at_full_speed_cause_no_false_finding()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        string[] skus = [.. await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => stores.SkuAsync(100_000)))];
        using var ended = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var done = 0;

        var load = Enumerable.Range(0, Shoppers).Select(async shopper =>
        {
            var random = new Random(shopper);
            while (!ended.IsCancellationRequested)
            {
                await ShopAsync(scene, skus, random);
                Interlocked.Increment(ref done);
            }
        });
        var change = ChangeAsync(skus, ended.Token);
        var asked = AskAsync(scene, ended.Token);
        await Task.WhenAll([.. load, change, asked]);
        await scene.CyclesAsync(2);

        Assert.InRange(done, 500, int.MaxValue);
        var findings = await FindingsAsync(skus);
        Assert.True(findings.Length == 0, findings);
        Assert.InRange(await stores.ReadAsync<long>("SELECT max(holds) FROM audit_runs"), 1, long.MaxValue);
        Assert.InRange(await stores.ReadAsync<long>("SELECT max(reservations) FROM audit_runs"), 1, long.MaxValue);
    }

    [Fact]
    public async Task A_wrong_counter_of_a_sku_with_very_many_holds_is_repaired_while_it_is_sold()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var sku = await stores.SkuAsync(100_000);
        await Parallel.ForAsync(0, 3 * AuditReader.AuditBudget, async (_, _) => await scene.HoldAsync(sku, 1));
        using var ended = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            var random = new Random(1);
            while (!ended.IsCancellationRequested) await ShopUnlessClosedAsync(scene, sku, random);
        });

        await scene.Redis.HashIncrementAsync($"{{inv:0}}:stock:{sku}", "reserved", 7);
        string actual;
        do
        {
            // Under this load a run may be undecided: too much changed while it counted, or events are not stored yet.
            var run = await scene.RunAsync(dryRun: false, sku);
            actual = await stores.ReadAsync<string>(
                $"""
                SELECT coalesce(string_agg(concat_ws(' ', finding ->> 'kind', finding ->> 'repair'), ' '), '')
                FROM audit_runs, jsonb_array_elements(findings) finding
                WHERE id = {run} AND finding ->> 'repair' IS NOT NULL
                """);
        }
        while (actual.Length == 0);
        await ended.CancelAsync();
        await load;

        Assert.StartsWith("Reserved The SKU was closed for", actual);
        var held = await scene.RunAsync(dryRun: true, sku);
        Assert.Equal(0, await stores.ReadAsync<long>($"SELECT found FROM audit_runs WHERE id = {held}"));
    }

    [Fact]
    public async Task The_sum_of_a_sku_whose_holds_have_all_ended_is_zero()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var sku = await stores.SkuAsync(10);
        var id = await scene.HoldAsync(sku, 2);
        Assert.Equal(ReleaseOutcome.Released, (await scene.Engine.Holds.ReleaseAsync(id, null)).Outcome);

        var sum = await scene.Worker.Large.CountAsync(sku, CancellationToken.None);

        Assert.Equal((0, 0), (sum!.Counter, sum.Held));
    }

    [Fact]
    public async Task An_oversold_sku_with_very_many_holds_is_paused_and_a_lowered_total_is_reported()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        const int Many = 2 * AuditReader.AuditBudget;
        var (oversold, lowered) = (await stores.SkuAsync(Many), await stores.SkuAsync(Many));
        foreach (var sku in new[] { oversold, lowered })
        {
            await Parallel.ForAsync(0, Many, async (_, _) => await scene.HoldAsync(sku, 1));
        }

        // One hold of the oversold SKU is older than the lowering, so that only the newest hold decides.
        await AgeAsync(scene, oversold, TimeSpan.FromHours(1));
        await stores.ExecuteAsync($"UPDATE inventory SET total = 5 WHERE sku_id = '{lowered}'");
        await stores.InRedisAsync(lowered, 5);
        // Both SKUs were lowered, this one before all of its holds except that one.
        await stores.ExecuteAsync(
            $"""
            INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after, at)
            VALUES ('{oversold}', -1, 'lost', 'a test', {Many}, 1, now() - interval '1 minute')
            """);
        // A counter that is wrong for a moment causes an oversale and is then correct again.
        await scene.Redis.HashDecrementAsync($"{{inv:0}}:stock:{oversold}", "reserved", 8);
        await scene.HoldAsync(oversold, 8);
        await scene.Redis.HashIncrementAsync($"{{inv:0}}:stock:{oversold}", "reserved", 8);

        await scene.RunAsync(dryRun: false, lowered);
        await scene.RunAsync(dryRun: false, oversold);

        await scene.FindingAsync("OverPromised", lowered, repaired: false);
        await scene.FindingAsync("Oversold", oversold, repaired: true);
        // The audit pauses the SKU in PostgreSQL; change capture brings it to Redis.
        await Eventually.EqualAsync("1", () => stores.FieldAsync(oversold, "paused"));
        Assert.Null(await stores.FieldAsync(lowered, "paused"));
        await scene.CyclesAsync(2);
        Assert.Equal("OverPromised Oversold", await stores.ReadAsync<string>(
            $"""
            SELECT string_agg(kind, ' ' ORDER BY kind) FROM audit_findings
            WHERE sku_id IN ('{oversold}', '{lowered}') AND gone_at IS NULL
            """));
        await stores.ExecuteAsync($"UPDATE inventory SET total = 9999 WHERE sku_id IN ('{oversold}', '{lowered}')");
        await scene.CyclesAsync(2);
        Assert.Equal(0, await stores.ReadAsync<long>(
            $"SELECT count(*) FROM audit_findings WHERE sku_id IN ('{oversold}', '{lowered}') AND gone_at IS NULL"));
    }

    /// <summary>Moves the creation time of one hold of a SKU into the past.</summary>
    private static async Task AgeAsync(AuditScene scene, string sku, TimeSpan age)
    {
        var keys = default(Partition);
        string id = (await scene.Redis.SortedSetRangeByRankAsync(keys.DueOf(sku), 0, 0))[0]!;
        var fields = ((string)(await scene.Redis.HashGetAsync(keys.HoldsOf(id), id))!).Split('\t');
        fields[2] = $"{long.Parse(fields[2], null) - (long)age.TotalMilliseconds}";
        await scene.Redis.HashSetAsync(keys.HoldsOf(id), id, string.Join('\t', fields));
    }

    private static async Task ShopUnlessClosedAsync(AuditScene scene, string sku, Random random)
    {
        try
        {
            await ShopAsync(scene, [sku], random);
        }
        catch (CorruptDataException)
        {
            // The SKU is being repaired.
        }
    }

    private static async Task ShopAsync(AuditScene scene, string[] skus, Random random)
    {
        var id = Guid.NewGuid();
        var first = random.Next(skus.Length);
        List<Line> lines = [new(skus[first], random.Next(1, 4))];
        if (skus.Length > 1 && random.Next(3) == 0) lines.Add(new(skus[(first + 1) % skus.Length], 1));
        var way = random.Next(10);
        var answer = await scene.Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer($"shopper-{random.Next(1_000)}"),
            Lines = lines,
            HoldFor = way < 3 ? TimeSpan.FromMilliseconds(random.Next(1, 400)) : TimeSpan.FromMinutes(10),
            OnExisting = OnExisting.Allow,
        });
        Assert.Equal(ReserveOutcome.Held, answer.Outcome);
        if (way == 3) await scene.Engine.Holds.ExpireAsync(50);
        else if (way is 4 or 5) await scene.Engine.Holds.ReleaseAsync(id, null);
        else if (way == 6) await scene.Engine.Holds.ExtendAsync(id, TimeSpan.FromMinutes(1), null);
        else if (way > 6) await ConfirmAsync(scene, id, random);
    }

    private static async Task ConfirmAsync(AuditScene scene, Guid id, Random random)
    {
        var pinned = await scene.Engine.Confirmations.PinAsync(id, Lease);
        if (pinned.Outcome < 0) return;
        if (random.Next(4) == 0)
        {
            await scene.Worker.Confirmations.AbandonAsync(id, 0, pinned.Pins[0].Number, CancellationToken.None);
            await scene.Engine.Confirmations.UnpinAsync(id, pinned.Pins[0]);
            return;
        }

        var confirmed = await scene.Worker.Confirmations.ConfirmAsync(
            new()
            {
                ReservationId = id,
                Pins = pinned.Pins,
                Holder = pinned.Reservation!.Holder.Text,
                Lines = pinned.Reservation.Lines,
            },
            CancellationToken.None);
        // A slow service may take this long between the order and its commit.
        if (random.Next(10) == 0) await Task.Delay(random.Next(1, 600));
        await scene.Engine.Confirmations.CommitAsync(id, confirmed.Totals);
        if (random.Next(4) == 0) await CancelAsync(scene, id, random);
    }

    private static async Task CancelAsync(AuditScene scene, Guid id, Random random)
    {
        var (order, _) = await scene.Worker.Confirmations.FindOrderAsync(id, CancellationToken.None);
        var before = await scene.Engine.Confirmations.PrepareCancelAsync(order!.Items.Select(item => item.SkuId));
        var cancelled = await scene.Worker.Confirmations.CancelOrderAsync(id, "cancelled", CancellationToken.None);
        if (random.Next(4) == 0) await Task.Delay(random.Next(1, 600));
        await scene.Engine.Confirmations.CancelOrderAsync(before, id, Holder.Parse(order.Holder), [
            .. cancelled.Totals.Select(total => new CancelledLine(
                total.Sku, order.Items.First(item => item.SkuId == total.Sku).Quantity, total.Total, total.Version)),
        ]);
    }

    /// <summary>Deliveries, limits and new products, as an ERP would write them.</summary>
    private async Task ChangeAsync(string[] skus, CancellationToken ended)
    {
        var random = new Random(99);
        for (var i = 0; !ended.IsCancellationRequested; i++)
        {
            var sku = skus[random.Next(skus.Length)];
            var quantity = random.Next(2) == 0 ? 5 : -3;
            await stores.ExecuteAsync(
                $"""
                UPDATE inventory SET total = total + {quantity} WHERE sku_id = '{sku}';
                INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
                SELECT sku_id, {quantity}, 'counted', 'a test', total, version FROM inventory WHERE sku_id = '{sku}';
                UPDATE products SET max_per_customer = {random.Next(1_000_000, 2_000_000)} WHERE sku_id = '{sku}';
                INSERT INTO products (sku_id, name) VALUES ('new-{sku}-{i}', 'Something');
                INSERT INTO inventory (sku_id, total) VALUES ('new-{sku}-{i}', 10)
                """);
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private static async Task AskAsync(AuditScene scene, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested) await scene.RunAsync(dryRun: false);
    }

    // Other tests of this class share the stores and cause findings.
    private Task<string> FindingsAsync(string[] skus) => stores.ReadAsync<string>(
        "SELECT coalesce(string_agg(concat_ws(' ', kind, sku_id, subject, expected, actual, evidence), E'\n'), '') "
        + $"FROM audit_findings WHERE sku_id IN ('{string.Join("', '", skus)}')");
}
