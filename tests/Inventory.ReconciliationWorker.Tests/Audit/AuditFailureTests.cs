using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>A key that the audit can't read stops neither the worker nor later audits.</summary>
public sealed class AuditFailureTests(Stores stores) : IClassFixture<Stores>
{
    [Fact]
    public async Task An_unreadable_key_that_all_skus_share_fails_audits_and_nothing_else()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var other = await stores.SkuAsync(10);
        await scene.CyclesAsync(1);
        var last = await stores.ReadAsync<long>("SELECT max(id) FROM audit_runs");

        // No confirm is under way, so overwriting the leases loses nothing.
        await scene.Redis.StringSetAsync("{inv:0}:leases", "none");
        await Eventually.TrueAsync(async () => await stores.ReadAsync<long>(
            $"SELECT count(*) FROM audit_runs WHERE state = 'failed' AND id > {last}") >= 2);

        Assert.Equal(1, scene.Worker.Log.Count("The audit breaks off"));
        await stores.ExecuteAsync($"UPDATE inventory SET total = 12 WHERE sku_id = '{other}'");
        await stores.InRedisAsync(other, 12);
        await scene.Redis.KeyDeleteAsync("{inv:0}:leases");
        await scene.CyclesAsync(1);
    }
}
