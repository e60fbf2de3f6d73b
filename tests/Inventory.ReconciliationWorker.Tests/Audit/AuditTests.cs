using System.Globalization;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>Damage done by hand is found, explained, and repaired where that is safe.</summary>
public sealed class AuditTests(Stores stores) : IClassFixture<Stores>
{
    private const string Tag = "{inv:0}:";

    [Theory]
    [InlineData(Damage.ReservedTooHigh, "Reserved")]
    [InlineData(Damage.ReservedTooLow, "Reserved")]
    [InlineData(Damage.Total, "Total")]
    [InlineData(Damage.VersionAhead, "Version")]
    [InlineData(Damage.VersionBehind, "Version")]
    [InlineData(Damage.Limit, "Limits")]
    [InlineData(Damage.SkuGone, "MissingInRedis")]
    [InlineData(Damage.HoldGone, "LostHold")]
    [InlineData(Damage.QuantityChanged, "ChangedHold")]
    [InlineData(Damage.SkuChanged, "HoldUnscheduled")]
    [InlineData(Damage.HolderChanged, "ChangedHold")]
    [InlineData(Damage.QuantityNegative, "Unreadable")]
    [InlineData(Damage.OrphanedDeadline, "Deadline")]
    [InlineData(Damage.OrphanedLease, "Deadline")]
    [InlineData(Damage.DeadlineGone, "HoldUnscheduled")]
    [InlineData(Damage.LateAmongDue, "Deadline")]
    [InlineData(Damage.LeaseGone, "HoldUnscheduled")]
    [InlineData(Damage.UnitsWrong, "CustomerUnits")]
    [InlineData(Damage.UnitsOrphaned, "CustomerUnits")]
    [InlineData(Damage.OrderWritten, "OrderedHold")]
    public async Task Damage_is_found_and_repaired_and_recorded_as_a_movement(Damage damage, string kind)
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var (sku, id) = await scene.SkuWithHoldAsync(10);
        await scene.CyclesAsync(1);

        await AuditDamage.DoAsync(scene, damage, sku, id);
        var found = await scene.FindingAsync(kind, damage == Damage.OrphanedLease ? "" : sku, repaired: true);

        Assert.NotEmpty(found.Cause);
        Assert.NotEmpty(found.Repair);
        await scene.CyclesAsync(2);
        Assert.Equal("", await OpenAsync(sku));
        if (damage != Damage.OrphanedLease)
        {
            Assert.InRange(await stores.ReadAsync<long>(
                $"SELECT count(*) FROM inventory_movements WHERE sku_id = '{sku}' AND reason = 'repair'"), 1, 9);
        }

        // The units of a restored hold are still in the counter and are not added again.
        if (damage == Damage.HoldGone)
        {
            Assert.Equal(0, await stores.ReadAsync<long>(
                $"SELECT count(*) FROM audit_findings WHERE sku_id = '{sku}' AND kind <> 'LostHold'"));
        }

        var look = (await scene.Engine.Audit.AuditStockAsync(default, [sku]))!.Skus[0];
        var left = damage == Damage.OrderWritten ? (8, 0) : (10, 2);
        Assert.Equal(left, ((int)look.Total, (int)look.Held));
        Assert.Equal(look.Reserved, look.Held);
        var level = await stores.ReadAsync<string>(
            $"SELECT concat_ws(' ', total, version) FROM inventory WHERE sku_id = '{sku}'");
        await Eventually.TrueAsync(async () => level ==
            $"{await stores.FieldAsync(sku, "total")} {await stores.FieldAsync(sku, "version")}");
        if (damage is Damage.OrderWritten) return;
        // The lease has ended, so the worker has asked the ledger and unpinned the hold.
        await Eventually.EqualAsync(
            ReservationStatus.Pending, async () => (await scene.Engine.Holds.FindAsync(id)).Reservation!.Status);
        var hold = (await scene.Engine.Audit.AuditHoldsAsync(default, [id]))!.Holds[0];
        Assert.Equal(('p', ""), (hold.State, hold.Faults));
        Assert.Equal(ReleaseOutcome.Released, (await scene.Engine.Holds.ReleaseAsync(id, null)).Outcome);
        Assert.Equal(0, (await scene.Engine.Levels.SnapshotAsync(sku)).Reserved);
    }

    [Fact]
    public async Task A_dry_run_changes_nothing_and_reports_everything()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var (sku, id) = await scene.SkuWithHoldAsync(10);
        var (other, lost) = await scene.SkuWithHoldAsync(10);
        await AuditDamage.DoAsync(scene, Damage.ReservedTooHigh, sku, id);
        await AuditDamage.DoAsync(scene, Damage.UnitsWrong, sku, id);
        await AuditDamage.DoAsync(scene, Damage.HoldGone, other, lost);
        await scene.CyclesAsync(1);
        var (redis, ledger) = (await scene.DumpRedisAsync(), await DumpLedgerAsync());

        var run = await scene.RunAsync(dryRun: true);

        Assert.Equal(redis, await scene.DumpRedisAsync());
        Assert.Equal(ledger, await DumpLedgerAsync());
        var kinds = await stores.ReadAsync<string>(
            $"""
            SELECT string_agg(DISTINCT finding ->> 'kind', ' ' ORDER BY finding ->> 'kind')
            FROM audit_runs, jsonb_array_elements(findings) finding
            WHERE id = {run} AND finding ->> 'sku' IN ('{sku}', '{other}')
            """);
        Assert.Equal("CustomerUnits Deadline LostHold Reserved", kinds);
        Assert.Equal(1, scene.Worker.Log.Count($"Drift Reserved of {sku}: expected reserved 2"));

        await scene.RunAsync(dryRun: false);
        await scene.RunAsync(dryRun: false);
        Assert.Equal("", await OpenAsync(sku) + await OpenAsync(other));
        Assert.Equal(1, scene.Worker.Log.Count($"Drift Reserved of {sku}: expected reserved 2"));
    }

    [Fact]
    public async Task An_oversold_sku_is_paused_and_a_lowered_total_is_reported()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var oversold = await stores.SkuAsync(10);
        var lowered = await stores.SkuAsync(10);
        var updated = await stores.SkuAsync(10);
        foreach (var sku in new[] { oversold, lowered, updated }) await scene.HoldAsync(sku, 8);
        await stores.ExecuteAsync($"UPDATE inventory SET total = 5 WHERE sku_id = '{updated}'");
        await stores.ExecuteAsync(
            $"""
            INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
            VALUES ('{lowered}', -5, 'lost', 'a test', 5, 2);
            UPDATE inventory SET total = 5 WHERE sku_id = '{lowered}'
            """);
        // The audit may repair the counter before the second hold is made; the loop then tries again.
        var script = "redis.call('HINCRBY', KEYS[1], 'reserved', -8) return redis.call('HGET', KEYS[1], 'reserved')";
        do
        {
            await scene.Redis.ScriptEvaluateAsync(script, [Tag + "stock:" + oversold]);
            var second = await scene.Engine.Holds.ReserveAsync(new()
            {
                Id = Guid.NewGuid(),
                Holder = Holder.Customer("second"),
                Lines = [new(oversold, 8)],
                HoldFor = TimeSpan.FromHours(1),
            });
            if (second.Outcome == ReserveOutcome.Held) break;
        }
        while (true);

        await scene.FindingAsync("Oversold", oversold, repaired: true);
        await scene.FindingAsync("OverPromised", lowered, repaired: false);
        await Eventually.EqualAsync("1", () => stores.FieldAsync(oversold, "paused"));
        await scene.CyclesAsync(1);
        await scene.FindingAsync("OverPromised", updated, repaired: false);
        Assert.Null(await stores.FieldAsync(lowered, "paused"));
        Assert.Null(await stores.FieldAsync(updated, "paused"));
        Assert.Equal("Oversold", await OpenAsync(oversold));
        Assert.Equal("OverPromised", await OpenAsync(lowered));
    }

    [Fact]
    public async Task A_sku_that_postgresql_does_not_know_is_not_sold_and_a_missing_order_is_reported()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var (sku, id) = await scene.SkuWithHoldAsync(10);
        var version = await stores.ReadAsync<long>($"SELECT version FROM inventory WHERE sku_id = '{sku}'");
        await scene.Engine.Confirmations.CommitAsync(id, [new(sku, 10, version)]);
        await scene.Engine.Levels.SetStockAsync(new("foreign", 5, 1, null, false));
        await scene.Engine.Levels.SetStockAsync(new("foreign-held", 5, 1, null, false));
        await scene.HoldAsync("foreign-held", 1);

        await scene.FindingAsync("UnknownToLedger", "foreign", repaired: true);
        await scene.FindingAsync("UnknownToLedger", "foreign-held", repaired: true);
        await Eventually.TrueAsync(() => stores.ReadAsync<bool>(
            $"SELECT EXISTS (SELECT FROM audit_findings WHERE kind = 'OrderMissing' AND subject = '{id}')"));
        await scene.CyclesAsync(2);

        Assert.Equal(SnapshotOutcome.UnknownSku, (await scene.Engine.Levels.SnapshotAsync("foreign")).Outcome);
        Assert.True((await scene.Engine.Levels.SnapshotAsync("foreign-held")).Paused);
        Assert.True(await stores.ReadAsync<bool>(
            $"SELECT gone_at IS NULL FROM audit_findings WHERE kind = 'OrderMissing' AND subject = '{id}'"));
        await scene.Redis.KeyDeleteAsync(Tag + "stock:foreign-held");
    }

    [Fact]
    public async Task A_total_that_an_erp_changes_is_no_finding_and_gets_its_movement()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var sku = await stores.SkuAsync(10);
        await stores.ExecuteAsync(
            $"""
            INSERT INTO inventory_movements (sku_id, quantity, reason, reference, total_after, version_after)
            VALUES ('{sku}', 10, 'received', 'a test', 10, 1);
            UPDATE inventory SET total = 47 WHERE sku_id = '{sku}'
            """);

        await scene.CyclesAsync(2);

        Assert.Equal("received 10 10|external 37 47", await stores.ReadAsync<string>(
            $"""
            SELECT string_agg(concat_ws(' ', reason, quantity, total_after), '|' ORDER BY id)
            FROM inventory_movements WHERE sku_id = '{sku}'
            """));
        Assert.Equal(0, await stores.ReadAsync<long>($"SELECT count(*) FROM audit_findings WHERE sku_id = '{sku}'"));
        Assert.Equal(0, scene.Worker.Log.Count($" of {sku}:"));
    }

    private Task<string> OpenAsync(string sku) => stores.ReadAsync<string>(
        $"""
        SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '') FROM audit_findings
        WHERE sku_id = '{sku}' AND gone_at IS NULL
        """);

    /// <summary>Every row of the ledger except those of the audit's own tables.</summary>
    private async Task<string> DumpLedgerAsync()
    {
        var tables = await stores.ReadAsync<string[]>(
            """
            SELECT array_agg(quote_ident(table_name) ORDER BY table_name) FROM information_schema.tables
            WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
              AND table_name NOT IN ('audit_runs', 'audit_worker', 'audit_findings')
            """);
        var dump = new List<string>();
        foreach (var table in tables)
        {
            dump.Add(string.Create(CultureInfo.InvariantCulture, $"{table} ") + await stores.ReadAsync<string>(
                $"SELECT coalesce(string_agg(entry::text, E'\\n' ORDER BY entry::text), '') FROM {table} entry"));
        }

        return string.Join('\n', dump);
    }
}
