using StackExchange.Redis;

namespace Inventory.Load.Rivals;

/// <summary>
/// A common design: a lock per product in Redis (SET NX PX), a check of the counter, a decrement, the hold, and the
/// release of the lock.
/// </summary>
/// <param name="redis">The product's Redis, so durability is the same.</param>
internal sealed class RedisLockRival(IDatabase redis)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Prefix of all keys.</summary>
    public const string Prefix = "rival:";

    /// <summary>Holds units under the lock.</summary>
    /// <returns>Units left; null when there are not enough, or the lock wasn't acquired within ten seconds.</returns>
    public async ValueTask<int?> HoldAsync(Hold hold)
    {
        RedisKey locked = $"{Prefix}lock:{hold.Sku}", stock = $"{Prefix}stock:{hold.Sku}";
        var token = hold.Id.ToString("N");
        var until = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!await redis.LockTakeAsync(locked, token, Lease))
        {
            if (Environment.TickCount64 > until) return null;
            // The usual retry: a random pause, so that waiting callers don't retry at the same time.
            await Task.Delay(Random.Shared.Next(1, 5));
        }

        try
        {
            var available = (int)await redis.StringGetAsync(stock);
            if (available < hold.Quantity) return null;
            var left = redis.StringDecrementAsync(stock, hold.Quantity);
            await Task.WhenAll(left, redis.HashSetAsync(
                $"{Prefix}holds:{hold.Sku}", token, $"{hold.Customer}\t{hold.Quantity}\t{hold.ExpiresAt:O}"));
            return (int)await left;
        }
        finally
        {
            await redis.LockReleaseAsync(locked, token);
        }
    }
}
