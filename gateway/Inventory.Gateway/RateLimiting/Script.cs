using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Gateway.RateLimiting;

/// <summary>A file of <c>lua/</c> that is embedded in the gateway.</summary>
internal sealed class Script
{
    private readonly string text;
    private readonly byte[] hash;

    private Script(string file)
    {
        using var stream = typeof(Script).Assembly.GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"The gateway was built without {file}.");
        using var reader = new StreamReader(stream);
        text = reader.ReadToEnd();
        hash = Digest(text);
    }

    public static Script RateLimit { get; } = new("rate_limit.lua");

    public static Script GuardWatch { get; } = new("guard_watch.lua");

    public static Script GuardAdmit { get; } = new("guard_admit.lua");

    /// <summary>Runs the script, with a limit on the wait.</summary>
    /// <exception cref="StoreException">
    /// The call failed, or there was no answer in time and the script may still run.
    /// </exception>
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
            // This process paused, and the answer arrived in that time.
            return await call;
        }
        catch (TimeoutException late)
        {
            // No caller awaits the call any more, so its exception is observed here.
            _ = call.ContinueWith(
                static abandoned => _ = abandoned.Exception,
                CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw RedisCalls.Late(late);
        }
    }

    /// <summary>
    /// Runs the script by its hash. A server that doesn't know the hash (after a restart or failover) refuses without
    /// doing anything, and gets the text.
    /// </summary>
    public async Task<RedisResult> RunAsync(IDatabase database, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return (await database.ScriptEvaluateAsync(hash, keys, arguments)).OrFailed();
        }
        catch (RedisServerException e) when (e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return (await database.ScriptEvaluateAsync(text, keys, arguments).OrFailedAsync()).OrFailed();
        }
        catch (Exception e) when (RedisCalls.Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    [SuppressMessage("Security", "CA5350", Justification = "Redis names scripts by SHA-1; nothing is secured by it.")]
    private static byte[] Digest(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));
}
