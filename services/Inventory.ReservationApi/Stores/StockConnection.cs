using Inventory.ReservationApi.Queue;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Stores;

/// <summary>How this API's connection to Redis behaves when Redis is unavailable.</summary>
internal static class StockConnection
{
    /// <summary>Prepares the connection.</summary>
    /// <param name="redis">What the connection string says.</param>
    /// <param name="callTimeout">See <see cref="StockCircuitOptions.CallTimeout"/>.</param>
    internal static void Tune(ConfigurationOptions redis, TimeSpan callTimeout)
    {
        // Without a connection, fail at once. The client's backlog would let thousands of callers wait for seconds, and
        // then send their abandoned requests to a Redis that has just come back.
        redis.BacklogPolicy = BacklogPolicy.FailFast;
        // A frozen Redis looks like a slow one: callers wait this long before they get a place in the queue.
        redis.AsyncTimeout = (int)callTimeout.TotalMilliseconds;
        // The client checks for calls without an answer at each heartbeat; its default is a second.
        redis.HeartbeatInterval = TimeSpan.FromMilliseconds(250);
        StockServices.ReconnectSoon(redis);
        // The report on Redis reads CONFIG and SLOWLOG, which the client counts among an administrator's commands.
        redis.AllowAdmin = true;
    }
}
