using StackExchange.Redis;

namespace Inventory.Gateway.Admission;

/// <summary>How a Redis that is away, refuses to act or hangs shows in its client.</summary>
internal static class RedisOutage
{
    /// <summary>
    /// Whether a call failed for that reason. A cancelled one counts: no call here takes a token, so it is the client
    /// that gave up what was on its way when the connection broke. So does what a socket or a pipe says: when a
    /// connection breaks while the client writes, it passes that on as it is.
    /// </summary>
    public static bool Is(Exception e) => e is RedisException or TimeoutException or OperationCanceledException
        or IOException or InvalidOperationException;
}
