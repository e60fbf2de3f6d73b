using System.Net.Sockets;
using StackExchange.Redis;

namespace Inventory.Storage;

/// <summary>
/// The boundary to StackExchange.Redis: translates what a call throws into a <see cref="StoreException"/>. Every call
/// passes through it, and no caller catches the client's own exceptions.
/// </summary>
public static class RedisCalls
{
    private const string CorruptMark = "UNREADABLE";
    private const string ClosedMark = "CLOSED";
    private const string WrongType = "WRONGTYPE";

    // Redis appends the position in the script to an error.
    private const string Place = " script: ";

    // Redis answers but can't act: it is loading, a replica, out of memory, without its disk or its cluster. Or it has
    // discarded a transaction because it refused one of its commands for such a reason. A server with much data refuses
    // all calls with LOADING for seconds after its restart; a caller that took this for a bug would stop in the middle
    // of a recovery.
    private static readonly string[] Unready =
    [
        "LOADING", "READONLY", "MASTERDOWN", "OOM", "MISCONF", "BUSY", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN",
        "EXECABORT",
    ];

    /// <summary>
    /// Translates what one call of the client threw; null for a bug. Only for an exception that is known to come out of
    /// the client.
    /// </summary>
    /// <remarks>
    /// The client completes the calls of a lost connection with whatever broke it: exceptions of the socket or the
    /// stream, of its own disposed objects, or a cancellation that no caller asked for. No call here takes a token.
    /// </remarks>
    public static StoreException? Translate(Exception failure) => failure switch
    {
        RedisServerException refused => Refusal(refused.Message, refused),
        RedisTimeoutException => Late(failure),
        RedisConnectionException { CommandStatus: CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog }
            or RedisConnectionException { FailureType: ConnectionFailureType.UnableToConnect } =>
            Unavailable(failure),
        RedisConnectionException broken => Broken($"{broken.FailureType}", failure),
        OperationCanceledException or InvalidOperationException or IOException or SocketException =>
            Broken("it was closed", failure),
        _ => null,
    };

    /// <summary>What an error of Redis means.</summary>
    /// <param name="error">The error as Redis sends it: a code and a text.</param>
    /// <param name="cause">The client's exception, if there is one.</param>
    public static StoreException Refusal(string error, Exception? cause = null)
    {
        var end = error.IndexOf(' ', StringComparison.Ordinal);
        var code = end < 0 ? error : error[..end];
        // Some errors within a script begin with their place in it.
        if (error.StartsWith("ERR user_script:", StringComparison.Ordinal)
            && error.IndexOf(WrongType, StringComparison.Ordinal) is > 0 and var start)
        {
            return Refusal(error[start..], cause);
        }

        if (code is not (CorruptMark or ClosedMark or WrongType))
        {
            return new StoreRejectedException(Store.Redis, code, Unready.Contains(code), error, cause);
        }

        var place = error.IndexOf(Place, StringComparison.Ordinal);
        var said = place < 0 ? error : error[..place];
        // The scripts name the SKU of a key, unless all SKUs of the partition share it: then the partition is rebuilt.
        if (code == WrongType) return new CorruptDataException("-", said, cause) { IsBeingRepaired = true };
        var words = said[(code.Length + 1)..].Split(' ', 2);
        // The scripts have the SKU as it is stored: SkuText escapes as URLs do.
        var sku = Uri.UnescapeDataString(words[0]);
        return new CorruptDataException(sku, words[^1], cause) { IsBeingRepaired = code == ClosedMark };
    }

    /// <summary>No answer came in time.</summary>
    /// <param name="cause">What ended the wait.</param>
    public static StoreUnansweredException Late(Exception? cause) =>
        new(Store.Redis, "Redis did not answer in time.", cause);

    /// <summary>A script's reply. No script replies with null: the client returns it when a write fails.</summary>
    /// <exception cref="StoreUnansweredException">There is no reply.</exception>
    public static RedisResult OrFailed(this RedisResult? answer) =>
        answer is { IsNull: false } ? answer : throw Broken("the answer was lost", null);

    /// <summary>The call's answer, or its failure as a <see cref="StoreException"/>.</summary>
    public static async Task<T> OrFailedAsync<T>(this Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (Exception e) when (Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>A call that blocks its thread. Data protection stores its keys by such calls.</summary>
    public static T Run<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (Exception e) when (Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Waits for several calls; a failure becomes a <see cref="StoreException"/>.</summary>
    public static async Task OrFailedAsync(this Task calls)
    {
        try
        {
            await calls;
        }
        catch (Exception e) when (Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>The scan's entries; a failure becomes a <see cref="StoreException"/>.</summary>
    public static async IAsyncEnumerable<T> OrFailedAsync<T>(this IAsyncEnumerable<T> scan)
    {
        await using var entries = scan.GetAsyncEnumerator();
        while (await entries.MoveNextAsync().AsTask().OrFailedAsync()) yield return entries.Current;
    }

    private static StoreUnavailableException Unavailable(Exception cause) =>
        new(Store.Redis, "There is no connection to Redis.", cause);

    private static StoreUnansweredException Broken(string reason, Exception? cause) =>
        new(Store.Redis, $"The connection to Redis broke ({reason}).", cause) { IsDisconnected = true };
}
