using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>Among very many SKUs the audit reports the damaged ones and no others.</summary>
public sealed class AuditCrowdTests(Stores stores) : IClassFixture<Stores>
{
    private const int Skus = 20_000;

    private static readonly (Damage Damage, string Kind)[] Damages =
    [
        (Damage.ReservedTooHigh, "Reserved"),
        (Damage.ReservedTooLow, "Reserved"),
        (Damage.Total, "Total"),
        (Damage.VersionAhead, "Version"),
        (Damage.VersionBehind, "Version"),
        (Damage.Limit, "Limits"),
        (Damage.SkuGone, "MissingInRedis"),
        (Damage.HoldGone, "LostHold"),
        (Damage.OrphanedDeadline, "Deadline"),
        (Damage.DeadlineGone, "HoldUnscheduled"),
        (Damage.LateAmongDue, "Deadline"),
        (Damage.LeaseGone, "HoldUnscheduled"),
        (Damage.UnitsWrong, "CustomerUnits"),
        (Damage.UnitsOrphaned, "CustomerUnits"),
        (Damage.OrderWritten, "OrderedHold"),
        (Damage.StockOfAnotherType, "Unreadable"),
        (Damage.ReservedNoNumber, "Unreadable"),
        (Damage.DeadlinesOfAnotherType, "Unreadable"),
        (Damage.BoughtWrong, "BoughtUnits"),
        (Damage.MovementWrong, "OrderMovements"),
    ];

    [Fact]
    public async Task Exactly_twenty_damaged_skus_of_twenty_thousand_are_found_in_one_run()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        await stores.ExecuteAsync(
            $"""
            INSERT INTO products (sku_id, name) SELECT 'crowd-' || n, 'Something' FROM generate_series(1, {Skus}) n;
            INSERT INTO inventory (sku_id, total) SELECT 'crowd-' || n, 10 FROM generate_series(1, {Skus}) n
            """);
        await stores.InRedisAsync($"crowd-{Skus}", 10);
        var broken = new List<(string Sku, string Kind)>();
        foreach (var (damage, kind) in Damages)
        {
            var sku = $"crowd-{(broken.Count + 1) * Skus / Damages.Length}";
            // The neighbour has a hold too, and no damage.
            await scene.StoredHoldAsync($"crowd-{((broken.Count + 1) * Skus / Damages.Length) - 1}");
            await AuditDamage.DoAsync(scene, damage, sku, await scene.StoredHoldAsync(sku));
            broken.Add((sku, kind));
        }

        var run = await scene.RunAsync(dryRun: true);

        var found = (await stores.ReadAsync<string>(
            $"""
            SELECT string_agg(DISTINCT concat_ws(' ', finding ->> 'sku', finding ->> 'kind'), '|')
            FROM audit_runs, jsonb_array_elements(findings) finding WHERE id = {run}
            """)).Split('|').Select(line => line.Split(' ')).ToLookup(line => line[0], line => line[1]);
        // The units of a lost hold's customer are a finding too, but only the hold could tell their SKU.
        var named = found.Select(one => one.Key).Where(sku => sku.Length > 0);
        Assert.Equal(broken.Select(one => one.Sku).Order(), named.Order());
        Assert.All(broken, one => Assert.Contains(one.Kind, found[one.Sku]));
        Assert.Equal(Skus, await stores.ReadAsync<long>($"SELECT skus FROM audit_runs WHERE id = {run}"));
    }
}
