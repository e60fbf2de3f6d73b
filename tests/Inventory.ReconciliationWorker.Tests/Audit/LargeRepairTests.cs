namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>A SKU with very many holds is repaired in bounded steps.</summary>
public sealed class LargeRepairTests(Stores stores) : IClassFixture<Stores>
{
    [Fact]
    public async Task Twenty_thousand_lost_holds_of_one_sku_are_restored_by_one_repair()
    {
        const int Many = 20_000;
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var sku = await stores.SkuAsync(30_000);
        await stores.ExecuteAsync(
            $$"""
            INSERT INTO reservations
                (reservation_id, partition, holder, status, deadline, lines, sequence, created_at, updated_at)
            SELECT gen_random_uuid(), 0, 'u:many-' || n, 'pending', now() + interval '1 hour' + n * interval '1 ms',
                '[{"sku": "{{sku}}", "quantity": 1}]', 1, now(), now()
            FROM generate_series(1, {{Many}}) n
            """);

        await scene.RunAsync(dryRun: false, sku);
        Assert.Equal((30_000, Many, Many), await LevelAsync(scene, sku));
        await scene.Redis.HashIncrementAsync(default(Inventory.Stock.Partition).Stock(sku), "reserved", -7);
        await scene.RunAsync(dryRun: false, sku);

        Assert.Equal((30_000, Many, Many), await LevelAsync(scene, sku));
        var sum = await scene.Worker.Large.CountAsync(sku, CancellationToken.None);
        Assert.Equal((Many, Many), (sum!.Counter, sum.Held));
        Assert.Equal(2, await stores.ReadAsync<long>(
            $"SELECT count(*) FROM inventory_movements WHERE sku_id = '{sku}' AND reason = 'repair'"));
    }

    private static async Task<(int Total, int Reserved, int Holds)> LevelAsync(AuditScene scene, string sku)
    {
        var snapshot = await scene.Engine.Levels.SnapshotAsync(sku);
        return (snapshot.Total, snapshot.Reserved, snapshot.Holds);
    }
}
