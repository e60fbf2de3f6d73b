using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Inventory.Gateway.Admission;

/// <summary>A file of <c>lua/</c> that travels inside the gateway.</summary>
internal sealed class Script
{
    private readonly string _text;
    private readonly byte[] _hash;

    private Script(string file)
    {
        using var stream = typeof(Script).Assembly.GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"The gateway was built without {file}.");
        using var reader = new StreamReader(stream);
        _text = reader.ReadToEnd();
        _hash = Digest(_text);
    }

    public static Script RateLimit { get; } = new("rate_limit.lua");

    public static Script GuardWatch { get; } = new("guard_watch.lua");

    public static Script GuardAdmit { get; } = new("guard_admit.lua");

    /// <summary>Runs the script for a request that waits no longer than it must.</summary>
    /// <exception cref="TimeoutException">There was no answer in time; the script may run yet.</exception>
    public async Task<RedisResult> RunAsync(
        IDatabase database, RedisKey[] keys, RedisValue[] arguments, TimeSpan patience)
    {
        var call = RunAsync(database, keys, arguments);
        try
        {
            return await call.WaitAsync(patience);
        }
        catch (TimeoutException) when (call.IsCompletedSuccessfully)
        {
            // It was this process that paused, and both ran out while it did.
            return await call;
        }
        catch (TimeoutException)
        {
            // Nobody will look at how it ends.
            _ = call.ContinueWith(
                late => _ = late.Exception,
                CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>
    /// Runs the script by its hash; a server that doesn't know it (it restarted, or failed over) refuses without doing
    /// anything, and gets the text.
    /// </summary>
    public async Task<RedisResult> RunAsync(IDatabase database, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return Answered(await database.ScriptEvaluateAsync(_hash, keys, arguments));
        }
        catch (RedisServerException e) when (e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return Answered(await database.ScriptEvaluateAsync(_text, keys, arguments));
        }
    }

    // No script answers with nothing: it is what the client is left with when a connection dies while it writes.
    private static RedisResult Answered(RedisResult? answer) => answer is { IsNull: false }
        ? answer
        : throw new RedisConnectionException(
            ConnectionFailureType.SocketClosed, CommandFlags.None, "The answer was lost.");

    [SuppressMessage("Security", "CA5350", Justification = "Redis names scripts by SHA-1; nothing is secured by it.")]
    private static byte[] Digest(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));
}
