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

    /// <summary>
    /// Whether a failure has such a call among its causes. Data protection wraps what its store of keys says, and the
    /// client wraps what a socket says, so neither end of the chain need be the client's own exception.
    /// </summary>
    public static bool Caused(Exception failure)
    {
        for (var e = failure; e is not null; e = e.InnerException)
        {
            if (Is(e)) return true;
        }

        return false;
    }
}
