using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// Recognizes calls that StackExchange.Redis gave up. When it closes a connection that has been dead for a while, it
/// cancels the pending calls although no caller cancelled them. When a connection breaks during a write, it throws an
/// exception of its pipe or socket, or returns null. Without this class a caller would take such an outage for a
/// shutdown or a bug.
/// </summary>
public static class AbandonedCall
{
    /// <summary>Whether the client itself, and not Redis, reports that it has no answer.</summary>
    public static bool IsSignaledBy(Exception failure) =>
        failure is OperationCanceledException or InvalidOperationException or IOException;

    /// <summary>The failure as a connection failure.</summary>
    internal static RedisConnectionException Explain(Exception? given) => new(
        ConnectionFailureType.SocketClosed,
        CommandFlags.None,
        "The client closed the connection before the reply came.",
        given);

    /// <summary>A script's reply; null is a connection failure, because no script replies with null.</summary>
    internal static RedisResult OrGivenUp(this RedisResult? answer) =>
        answer is { IsNull: false } ? answer : throw Explain(null);

    /// <summary>The call's answer. A call that the client gave up becomes a connection failure.</summary>
    /// <exception cref="RedisConnectionException">The client gave the call up.</exception>
    public static async Task<T> OrFailedAsync<T>(this Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (Exception e) when (IsSignaledBy(e))
        {
            throw Explain(e);
        }
    }

    /// <summary>Waits for several calls. A call that the client gave up becomes a connection failure.</summary>
    /// <exception cref="RedisConnectionException">The client gave one of the calls up.</exception>
    public static async Task OrFailedAsync(this Task calls)
    {
        try
        {
            await calls;
        }
        catch (Exception e) when (IsSignaledBy(e))
        {
            throw Explain(e);
        }
    }

    /// <summary>The scan's entries. A call that the client gave up becomes a connection failure.</summary>
    internal static async IAsyncEnumerable<T> OrFailedAsync<T>(this IAsyncEnumerable<T> scan)
    {
        await using var entries = scan.GetAsyncEnumerator();
        while (await entries.MoveNextAsync().AsTask().OrFailedAsync()) yield return entries.Current;
    }
}
