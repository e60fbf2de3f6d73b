using StackExchange.Redis;

namespace Inventory.Gateway.RateLimiting;

/// <summary>Recognizes by its exceptions that Redis is unreachable, refuses to act or hangs.</summary>
internal static class RedisOutage
{
    /// <summary>
    /// Whether a call failed because of an outage. A cancelled call counts: no call here takes a token, so the client
    /// has given up the calls in flight when the connection broke. Exceptions of a socket or a pipe count: the client
    /// passes them on when a connection breaks while it writes.
    /// </summary>
    public static bool Is(Exception e) => e is RedisException or TimeoutException or OperationCanceledException
        or IOException or InvalidOperationException;

    /// <summary>
    /// Whether an outage is among the causes of a failure. Data protection wraps the exceptions of its key store, and
    /// the client wraps those of a socket, so neither end of the chain need be the client's own exception.
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
