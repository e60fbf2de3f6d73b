using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>A value that can't be read is a finding that names its SKU, and the audit continues.</summary>
public sealed class AuditFormTests(Stores stores) : IClassFixture<Stores>
{
    private const string Tag = "{inv:0}:";

    public enum Form
    {
        StockOfAnotherType,
        ReservedNoNumber,
        TotalNoNumber,
        ReservedMissing,
        DeadlinesOfAnotherType,
        HoldNoHold,
        HoldsOfAnotherType,
    }

    [Theory]
    [InlineData(Form.StockOfAnotherType, "has another type", true)]
    [InlineData(Form.ReservedNoNumber, "reserved is \"many\"", true)]
    [InlineData(Form.TotalNoNumber, "total is \"1.5\"", true)]
    [InlineData(Form.ReservedMissing, "reserved is missing", true)]
    [InlineData(Form.DeadlinesOfAnotherType, "has another type", false)]
    [InlineData(Form.HoldNoHold, "a hold reads \"nothing\"", false)]
    [InlineData(Form.HoldsOfAnotherType, "has another type", false)]
    public async Task An_unreadable_value_is_reported_and_the_cycle_continues(Form form, string what, bool mended)
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var (sku, id) = await scene.SkuWithHoldAsync(10);
        var (other, _) = await scene.SkuWithHoldAsync(10);
        await scene.CyclesAsync(1);
        var holds = new Partition(0).HoldsOf(ReservationKey.Of(id));
        var saved = await scene.Redis.HashGetAllAsync(holds);

        await BreakAsync(scene.Redis, form, sku, id);
        await scene.Redis.HashIncrementAsync($"{Tag}stock:{other}", "reserved", 3);
        await scene.FindingAsync("Unreadable", sku, repaired: false);
        await scene.FindingAsync("Reserved", other, repaired: false);

        Assert.Contains(what, await stores.ReadAsync<string>(
            $"SELECT string_agg(actual, ' ') FROM audit_findings WHERE kind = 'Unreadable' AND sku_id = '{sku}'"));
        Assert.Equal(0, scene.Worker.Log.Count("The audit breaks off"));
        await scene.RunAsync(dryRun: false);
        var look = (await scene.Engine.Audit.AuditStockAsync(default, [sku]))!.Skus[0];
        Assert.Equal(mended, look.State == LookState.Counted);
        if (mended) Assert.Equal((10, 2, 2), (look.Total, look.Reserved, look.Held));
        // A hold that can't be read may be one of any SKU, so no counter is lowered.
        var blind = form is Form.HoldNoHold or Form.HoldsOfAnotherType;
        Assert.Equal(blind ? "5" : "2", await stores.FieldAsync(other, "reserved"));
        if (blind) await RestoreAsync(scene.Redis, holds, saved);
        if (form == Form.DeadlinesOfAnotherType) await scene.Redis.KeyDeleteAsync($"{Tag}due:{sku}");
        await scene.RunAsync(dryRun: false);
        await scene.RunAsync(dryRun: false);
        Assert.Equal(0, await stores.ReadAsync<long>(
            $"SELECT count(*) FROM audit_findings WHERE sku_id IN ('{sku}', '{other}') AND gone_at IS NULL"));
        Assert.Equal(2, (await scene.Engine.Levels.SnapshotAsync(sku)).Reserved);
    }

    [Fact]
    public async Task A_change_reaches_redis_although_another_sku_cannot_be_read()
    {
        await using var scene = await AuditScene.StartAsync(stores, repair: false);
        var sku = await stores.SkuAsync(10);
        var other = await stores.SkuAsync(10);
        await scene.Redis.KeyDeleteAsync($"{Tag}stock:{sku}");
        await scene.Redis.StringSetAsync($"{Tag}stock:{sku}", "ten");

        await stores.ExecuteAsync($"UPDATE inventory SET total = 12 WHERE sku_id IN ('{sku}', '{other}')");
        await stores.InRedisAsync(other, 12);

        await Eventually.TrueAsync(() =>
            scene.Worker.Log.Count($"The change of {sku} can't be written to Redis") > 0);
        await scene.RunAsync(dryRun: false);
        Assert.Equal("12", await stores.FieldAsync(sku, "total"));
    }

    private static async Task BreakAsync(IDatabase redis, Form form, string sku, Guid id)
    {
        var (stock, due, key) = ($"{Tag}stock:{sku}", $"{Tag}due:{sku}", ReservationKey.Of(id));
        switch (form)
        {
            case Form.StockOfAnotherType:
                await redis.KeyDeleteAsync(stock);
                await redis.StringSetAsync(stock, "ten");
                break;
            case Form.ReservedNoNumber: await redis.HashSetAsync(stock, "reserved", "many"); break;
            case Form.TotalNoNumber: await redis.HashSetAsync(stock, "total", "1.5"); break;
            case Form.ReservedMissing: await redis.HashDeleteAsync(stock, "reserved"); break;
            case Form.DeadlinesOfAnotherType:
                await redis.KeyDeleteAsync(due);
                await redis.StringSetAsync(due, "tomorrow");
                break;
            case Form.HoldNoHold: await redis.HashSetAsync(new Partition(0).HoldsOf(key), key, "nothing"); break;
            default:
                await redis.KeyDeleteAsync(new Partition(0).HoldsOf(key));
                await redis.StringSetAsync(new Partition(0).HoldsOf(key), "nothing");
                break;
        }
    }

    private static async Task RestoreAsync(IDatabase redis, RedisKey holds, HashEntry[] saved)
    {
        await redis.KeyDeleteAsync(holds);
        await redis.HashSetAsync(holds, saved);
    }
}
