using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>Decides which failures of a call to Redis mean that it can't decide at the moment.</summary>
public static class StockOutage
{
    // Redis answers but can't act: it is loading, a replica, out of memory, without its disk or its cluster. Or it has
    // discarded a transaction because it refused one of its commands for such a reason.
    private static readonly string[] Unready =
    [
        "LOADING", "READONLY", "MASTERDOWN", "OOM", "MISCONF", "BUSY", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN",
        "EXECABORT",
    ];

    /// <summary>
    /// Whether waiting can fix the failure: Redis is unavailable, or it answers but can't act. A server with much data
    /// refuses all calls with LOADING for seconds after its restart; a caller that took this for a bug would stop in
    /// the middle of a recovery.
    /// </summary>
    public static bool Explains(Exception failure) => failure is RedisConnectionException or RedisTimeoutException
        || (failure is RedisServerException && Array.Exists(
            Unready, word => failure.Message.StartsWith(word, StringComparison.Ordinal)));
}
