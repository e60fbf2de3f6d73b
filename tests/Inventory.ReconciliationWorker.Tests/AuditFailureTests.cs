namespace Inventory.ReconciliationWorker.Tests;

/// <summary>What the audit can't read ends neither the worker nor later audits.</summary>
public sealed class AuditFailureTests(Stores stores) : IClassFixture<Stores>
{
    [Fact]
    public async Task What_is_no_number_breaks_audits_off_and_nothing_else()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var sku = await stores.SkuAsync(10);
        var other = await stores.SkuAsync(10);
        await scene.CyclesAsync(1);
        var last = await stores.ReadAsync<long>("SELECT max(id) FROM audit_runs");

        await scene.Redis.HashSetAsync("{inv:0}:stock:" + sku, "reserved", "many");
        await Worker.UntilAsync(async () => await stores.ReadAsync<long>(
            $"SELECT count(*) FROM audit_runs WHERE state = 'failed' AND id > {last}") >= 2);

        Assert.Equal(1, scene.Worker.Log.Count("The audit breaks off"));
        await stores.ExecuteAsync($"UPDATE inventory SET total = 12 WHERE sku_id = '{other}'");
        await stores.InRedisAsync(other, 12);
        await scene.RunAsync(dryRun: false, other);
        await scene.Redis.HashSetAsync("{inv:0}:stock:" + sku, "reserved", 0);
        await scene.CyclesAsync(1);
    }
}
