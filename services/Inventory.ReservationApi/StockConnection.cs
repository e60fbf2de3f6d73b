using StackExchange.Redis;

namespace Inventory.ReservationApi;

/// <summary>How this API's connection to Redis behaves when Redis is away.</summary>
internal static class StockConnection
{
    internal static void Tune(ConfigurationOptions redis)
    {
        // Without a connection, refuse at once. The client's queue would let thousands of shoppers wait for seconds,
        // and then drop what they have long given up on onto a Redis that has just come back.
        redis.BacklogPolicy = BacklogPolicy.FailFast;
        // A decision takes less than a millisecond; an answer after two seconds has nobody left who waits for it.
        redis.AsyncTimeout = 2_000;
        StockServices.ReconnectSoon(redis);
        redis.ConnectTimeout = 2_000;
    }
}
