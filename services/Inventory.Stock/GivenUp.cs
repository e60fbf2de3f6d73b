using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// What a call to Redis that the client has given up looks like. When StackExchange.Redis closes a connection that has
/// been dead for a while, it cancels calls on their way instead of failing them, though nobody asked for that; and who
/// waits for an outage would take it for a shutdown, or for a bug.
/// </summary>
internal static class GivenUp
{
    /// <summary>The failure that it is.</summary>
    internal static RedisConnectionException Explain(OperationCanceledException given) => new(
        ConnectionFailureType.SocketClosed, "The connection was given up before the answer came.", given);

    /// <summary>The call's answer, or what else a Redis that is away looks like.</summary>
    internal static async Task<T> OrFailedAsync<T>(this Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (OperationCanceledException e)
        {
            throw Explain(e);
        }
    }

    /// <summary>The scan's entries, or what else a Redis that is away looks like.</summary>
    internal static async IAsyncEnumerable<T> OrFailedAsync<T>(this IAsyncEnumerable<T> scan)
    {
        await using var entries = scan.GetAsyncEnumerator();
        while (await entries.MoveNextAsync().AsTask().OrFailedAsync()) yield return entries.Current;
    }
}
