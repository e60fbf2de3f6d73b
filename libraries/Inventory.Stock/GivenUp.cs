using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// What a call to Redis that the client has given up looks like. When StackExchange.Redis closes a connection that has
/// been dead for a while, it cancels calls on their way instead of failing them, though nobody asked for that; and when
/// one dies while it writes, what it says may be its pipe's or its socket's word, or nothing at all. Who waits for an
/// outage would take that for a shutdown, or for a bug.
/// </summary>
public static class GivenUp
{
    /// <summary>Whether the client says of itself, and not of Redis, that it has no answer.</summary>
    public static bool IsSaidBy(Exception failure) =>
        failure is OperationCanceledException or InvalidOperationException or IOException;

    /// <summary>The failure that it is.</summary>
    internal static RedisConnectionException Explain(Exception? given) => new(
        ConnectionFailureType.SocketClosed,
        CommandFlags.None,
        "The connection was given up before the answer came.",
        given);

    /// <summary>A script's answer. None of them answers with nothing.</summary>
    internal static RedisResult OrGivenUp(this RedisResult? answer) =>
        answer is { IsNull: false } ? answer : throw Explain(null);

    /// <summary>The call's answer, or what else a Redis that is away looks like.</summary>
    /// <exception cref="RedisConnectionException">The client has given the call up.</exception>
    public static async Task<T> OrFailedAsync<T>(this Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (Exception e) when (IsSaidBy(e))
        {
            throw Explain(e);
        }
    }

    /// <summary>Several calls' answers, or what else a Redis that is away looks like.</summary>
    /// <exception cref="RedisConnectionException">The client has given one of the calls up.</exception>
    public static async Task OrFailedAsync(this Task calls)
    {
        try
        {
            await calls;
        }
        catch (Exception e) when (IsSaidBy(e))
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
