using Inventory.Stock;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>Manual damage to a SKU with one hold.</summary>
public enum Damage
{
    ReservedTooHigh,
    ReservedTooLow,
    Total,
    VersionAhead,
    VersionBehind,
    Limit,
    SkuGone,
    HoldGone,
    QuantityChanged,
    SkuChanged,
    HolderChanged,
    QuantityNegative,
    OrphanedDeadline,
    OrphanedLease,
    DeadlineGone,
    LateAmongDue,
    LeaseGone,
    UnitsWrong,
    UnitsOrphaned,
    OrderWritten,
    StockOfAnotherType,
    ReservedNoNumber,
    DeadlinesOfAnotherType,
    BoughtWrong,
    MovementWrong,
}

/// <summary>Does the damage, as an operator with a console could.</summary>
internal static class AuditDamage
{
    private const string Tag = "{inv:0}:";

    public static async Task DoAsync(AuditScene scene, Damage damage, string sku, Guid id)
    {
        var (redis, key, stock) = (scene.Redis, ReservationKey.Of(id), Tag + "stock:" + sku);
        var holds = new Partition(0).HoldsOf(key);
        switch (damage)
        {
            case Damage.ReservedTooHigh: await redis.HashIncrementAsync(stock, "reserved", 3); break;
            case Damage.ReservedTooLow: await redis.HashDecrementAsync(stock, "reserved", 1); break;
            case Damage.Total: await redis.HashIncrementAsync(stock, "total", 5); break;
            case Damage.VersionAhead: await redis.HashIncrementAsync(stock, "version", 100); break;
            case Damage.VersionBehind: await redis.HashDecrementAsync(stock, "version", 1); break;
            case Damage.Limit: await redis.HashSetAsync(stock, "max_per_customer", 1); break;
            case Damage.SkuGone: await redis.KeyDeleteAsync(stock); break;
            case Damage.QuantityChanged: await ChangeTextAsync(redis, holds, key, "\t2", "\t1"); break;
            case Damage.SkuChanged: await ChangeTextAsync(redis, holds, key, sku, sku + "-other"); break;
            case Damage.HolderChanged: await ChangeTextAsync(redis, holds, key, "u:user", "u:another"); break;
            case Damage.QuantityNegative: await ChangeTextAsync(redis, holds, key, "\t2", "\t-2"); break;
            case Damage.HoldGone: await redis.HashDeleteAsync(holds, key); break;
            case Damage.OrphanedDeadline:
                await redis.SortedSetAddAsync(Tag + "due:" + sku, ReservationKey.Of(Guid.NewGuid()), 9e12);
                break;
            case Damage.OrphanedLease:
                await redis.SortedSetAddAsync(Tag + "leases", ReservationKey.Of(Guid.NewGuid()), 9e12);
                break;
            case Damage.DeadlineGone: await redis.SortedSetRemoveAsync(Tag + "due:" + sku, key); break;
            case Damage.LateAmongDue: await redis.SortedSetRemoveAsync(Tag + "due", sku); break;
            case Damage.LeaseGone:
                await scene.Engine.Confirmations.PinAsync(id, TimeSpan.FromMinutes(1));
                await redis.SortedSetRemoveAsync(Tag + "leases", key);
                break;
            case Damage.UnitsWrong: await SetUnitsAsync(redis, sku, $"u:user-{id:N}", $"0 {key} 9"); break;
            case Damage.UnitsOrphaned:
                await SetUnitsAsync(
                    redis, sku, $"u:user-{id:N}", $"0 {key} 2 {ReservationKey.Of(await EndedAsync(scene, sku, id))} 1");
                break;
            case Damage.StockOfAnotherType:
                await redis.KeyDeleteAsync(stock);
                await redis.StringSetAsync(stock, "ten");
                break;
            case Damage.ReservedNoNumber: await redis.HashSetAsync(stock, "reserved", "many"); break;
            case Damage.DeadlinesOfAnotherType:
                await redis.KeyDeleteAsync(Tag + "due:" + sku);
                await redis.StringSetAsync(Tag + "due:" + sku, "tomorrow");
                break;
            case Damage.BoughtWrong:
                await BuyAsync(scene, sku, id);
                await scene.Engine.Maintenance.LoadUnitsAsync(default, [($"u:user-{id:N}", sku, 1)]);
                break;
            case Damage.MovementWrong:
                await BuyAsync(scene, sku, id);
                await scene.WriteAsync($"UPDATE inventory_movements SET quantity = -1 WHERE sku_id = '{sku}'");
                break;
            default: await WriteOrderAsync(scene, sku, id); break;
        }
    }

    private static async Task ChangeTextAsync(
        IDatabase redis, RedisKey holds, string key, string before, string after)
    {
        var text = (string)(await redis.HashGetAsync(holds, key))!;
        var at = text.LastIndexOf(before, StringComparison.Ordinal);
        await redis.HashSetAsync(holds, key, text[..at] + after + text[(at + before.Length)..]);
    }

    private static Task<int> WriteOrderAsync(AuditScene scene, string sku, Guid id) => scene.WriteAsync(
        $"""
        INSERT INTO orders (id, reservation_id, holder, customer_id, status)
        VALUES ('{id}', '{id}', 'u:user-{id:N}', 'user-{id:N}', 'CONFIRMED');
        INSERT INTO order_items (order_id, sku_id, quantity) VALUES ('{id}', '{sku}', 2);
        UPDATE inventory SET total = total - 2 WHERE sku_id = '{sku}';
        INSERT INTO inventory_movements (order_id, sku_id, quantity, reason, reference, total_after, version_after)
        SELECT '{id}', sku_id, -2, 'sold', '{id}', total, version FROM inventory WHERE sku_id = '{sku}'
        """);

    /// <summary>A reservation of the same customer and SKU that has ended.</summary>
    private static async Task<Guid> EndedAsync(AuditScene scene, string sku, Guid of)
    {
        var id = Guid.NewGuid();
        await scene.Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer($"user-{of:N}"),
            Lines = [new(sku, 1)],
            HoldFor = TimeSpan.FromHours(1),
            OnExisting = OnExisting.Allow,
        });
        await scene.Engine.Holds.ReleaseAsync(id, null);
        return id;
    }

    /// <summary>Writes an owner's account of a SKU.</summary>
    public static async Task SetUnitsAsync(IDatabase redis, string sku, string owner, string text) =>
        await redis.ScriptEvaluateAsync(
            """
            local digest = redis.sha1hex(ARGV[1])
            redis.call('HSET', KEYS[1] .. string.sub(digest, 1, 3), string.sub(digest, 4, 25), ARGV[2])
            """,
            [Tag + "units:"], [$"{owner}\t{sku}", text]);

    /// <summary>Makes the hold an order and commits it in Redis.</summary>
    private static async Task BuyAsync(AuditScene scene, string sku, Guid id)
    {
        await WriteOrderAsync(scene, sku, id);
        await scene.Engine.Confirmations.CommitAsync(id, [new(sku, 8, 2)]);
        await scene.WriteAsync($"UPDATE products SET max_per_customer = 9 WHERE sku_id = '{sku}'");
    }
}
