using Inventory.ReservationApi.Queueing;
using StackExchange.Redis;

namespace Inventory.ReservationApi;

/// <summary>How this API's connection to Redis behaves when Redis is away.</summary>
internal static class StockConnection
{
    /// <summary>Prepares the connection.</summary>
    /// <param name="redis">What the connection string says.</param>
    /// <param name="callTimeout">See <see cref="StockCircuitOptions.CallTimeout"/>.</param>
    internal static void Tune(ConfigurationOptions redis, TimeSpan callTimeout)
    {
        // Without a connection, refuse at once. The client's queue would let thousands of shoppers wait for seconds,
        // and then drop what they have long given up on onto a Redis that has just come back.
        redis.BacklogPolicy = BacklogPolicy.FailFast;
        // A frozen Redis looks like a slow one: what this takes, shoppers wait until they get a place in the queue.
        redis.AsyncTimeout = (int)callTimeout.TotalMilliseconds;
        // The client looks for calls without an answer with each beat; its own is a second.
        redis.HeartbeatInterval = TimeSpan.FromMilliseconds(250);
        StockServices.ReconnectSoon(redis);
        redis.ConnectTimeout = 2_000;
        // The report on Redis reads CONFIG and SLOWLOG, which the client counts among an administrator's commands.
        redis.AllowAdmin = true;
    }
}
