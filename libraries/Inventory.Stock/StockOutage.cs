using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>Which failures of a call to the engine mean that Redis can't decide at the moment.</summary>
public static class StockOutage
{
    // Redis answers, but can't act: it is loading, a replica, full, without its disk or its cluster; or it has given
    // a transaction up because it refused one of its commands for such a reason.
    private static readonly string[] Unready =
    [
        "LOADING", "READONLY", "MASTERDOWN", "OOM", "MISCONF", "BUSY", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN",
        "EXECABORT",
    ];

    /// <summary>
    /// Whether waiting cures it: Redis is away, or it is there and can't act. A server with much data refuses all calls
    /// with LOADING for seconds after it is back; who takes that for a bug stops in the middle of a recovery.
    /// </summary>
    public static bool Explains(Exception failure) => failure is RedisConnectionException or RedisTimeoutException
        || (failure is RedisServerException && Array.Exists(
            Unready, word => failure.Message.StartsWith(word, StringComparison.Ordinal)));
}
