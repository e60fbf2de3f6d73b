using StackExchange.Redis;

namespace Inventory.Settlement;

/// <summary>Redis, seen by who needs to know whether waiting helps.</summary>
internal static class StockStore
{
    // Redis answers, but can't act: it is loading, a replica, full, without its disk, or without its cluster.
    private static readonly string[] Unready =
        ["LOADING", "READONLY", "MASTERDOWN", "OOM", "MISCONF", "BUSY", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN"];

    public static bool IsAway(Exception failure) =>
        failure is RedisConnectionException or RedisTimeoutException
        || (failure is RedisServerException && Unready.Any(word =>
            failure.Message.StartsWith(word, StringComparison.Ordinal)));
}
