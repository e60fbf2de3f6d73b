using Inventory.Testing;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>A row that the audit can't read stops neither the worker nor later audits.</summary>
public sealed class AuditFailureTests(Stores stores) : IClassFixture<Stores>
{
    [Fact]
    public async Task A_row_that_no_service_writes_fails_audits_and_nothing_else()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: true);
        var other = await stores.SkuAsync(10);
        await scene.CyclesAsync(1);
        var last = await stores.ReadAsync<long>("SELECT max(id) FROM audit_runs");

        var row = await stores.HoldRowAsync(
            other, 1, "pending", TimeProvider.System.GetUtcNow().AddMinutes(9), sequence: 1);
        await stores.ExecuteAsync(
            $$"""UPDATE reservations SET lines = '[{"sku": 1}]' WHERE reservation_id = '{{row}}'""");
        await Eventually.TrueAsync(async () => await stores.ReadAsync<long>(
            $"SELECT count(*) FROM audit_runs WHERE state = 'failed' AND id > {last}") >= 2);

        Assert.Equal(1, scene.Worker.Log.Count("The audit breaks off"));
        await stores.ExecuteAsync($"UPDATE inventory SET total = 12 WHERE sku_id = '{other}'");
        await stores.InRedisAsync(other, 12);
        await stores.ExecuteAsync($"DELETE FROM reservations WHERE reservation_id = '{row}'");
        await scene.CyclesAsync(1);
    }
}
