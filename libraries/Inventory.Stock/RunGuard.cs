using System.Collections.Concurrent;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// Tracks which run of a server serves each partition, and loads scripts into that run only. A server keeps its run_id
/// until its process ends. A server that restarted, was promoted or took over an address has none of these texts: it
/// answers NOSCRIPT, and is verified before it runs any of them.
/// </summary>
/// <remarks>
/// Each text contains the run_id that it is for, and acts only if the epoch names the same run. It is loaded in one
/// transaction with the verification, which removes the epoch of any other run. So where such a text runs, the data was
/// verified or rebuilt in this run. A call costs only one additional read of a key.
/// </remarks>
internal sealed class RunGuard(IDatabase database)
{
    private readonly ConcurrentDictionary<RedisKey, ServerRun> runs = new();
    private readonly ConcurrentDictionary<(RedisKey, Script), Lazy<Task<bool>>> loading = new();

    /// <summary>The reply of every guarded script while the partition is fenced.</summary>
    public static RedisResult Fenced { get; } = RedisResult.Create((RedisValue)"-9");

    /// <summary>The connection.</summary>
    public IDatabase Database => database;

    /// <summary>Whether a server refused a script without running it.</summary>
    public static bool IsUnknownText(RedisServerException refusal) =>
        refusal.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal)
        || refusal.Message.StartsWith("OTHERRUN", StringComparison.Ordinal);

    /// <summary>The run that last served a partition; null before the first call.</summary>
    /// <param name="epoch">The partition's epoch key.</param>
    public ServerRun? KnownRun(RedisKey epoch) => runs.GetValueOrDefault(epoch);

    /// <summary>
    /// Verifies the server that now serves a partition; closes the fence if its run was not the one that was opened.
    /// </summary>
    /// <param name="epoch">The partition's epoch key.</param>
    public async Task<RunLook> VerifyOrFenceAsync(RedisKey epoch)
    {
        var look = Read(await Script.VerifyRun.RunAsync(database, [epoch], []));
        if (look.RunId.Length == 0) runs.TryRemove(epoch, out _);
        else if (KnownRun(epoch)?.Id != look.RunId) runs[epoch] = new(look.RunId);
        return look;
    }

    /// <summary>Loads a script into the run that now serves a partition. Concurrent callers share one load.</summary>
    /// <param name="epoch">The partition's epoch key.</param>
    /// <param name="script">The script.</param>
    /// <returns>Whether there is a run to call; false if the server hides its run_id.</returns>
    public async Task<bool> LoadAsync(RedisKey epoch, Script script)
    {
        var mine = new Lazy<Task<bool>>(() => LoadOnceAsync(epoch, script));
        var shared = loading.GetOrAdd((epoch, script), mine);
        try
        {
            return await shared.Value;
        }
        finally
        {
            loading.TryRemove(new((epoch, script), shared));
        }
    }

    private async Task<bool> LoadOnceAsync(RedisKey epoch, Script script)
    {
        if ((await VerifyOrFenceAsync(epoch)).RunId.Length == 0) return false;
        if (KnownRun(epoch) is not { } run) return false;
        // A transaction uses one connection and so one run. In this run, the text is never loaded while another run's
        // epoch remains.
        var transaction = database.CreateTransaction();
        var look = transaction.ExecuteAsync("EVAL", Script.VerifyRun.TextFor(""), 1, epoch);
        var load = transaction.ExecuteAsync("SCRIPT", "LOAD", script.TextFor(run.Id));
        await transaction.ExecuteAsync().OrFailedAsync();
        await Task.WhenAll(look, load).OrFailedAsync();
        return true;
    }

    private static RunLook Read(RedisResult result)
    {
        var reply = new Reply(result);
        var outcome = (VerifyOutcome)reply.NextInt();
        return new(outcome, reply.Next().ToString(), reply.Next().ToString(), reply.NextTime());
    }
}

/// <summary>One run of a server's process.</summary>
/// <param name="id">Its run_id.</param>
internal sealed class ServerRun(string id)
{
    private readonly ConcurrentDictionary<Script, byte[]> hashes = new();

    /// <summary>Its run_id.</summary>
    public string Id => id;

    /// <summary>The hash of a script's text for this run.</summary>
    public byte[] HashOf(Script script) =>
        hashes.TryGetValue(script, out var hash) ? hash : hashes[script] = script.HashFor(id);
}

/// <summary>The result of verifying a partition's server.</summary>
/// <param name="Outcome">Whether the partition may sell.</param>
/// <param name="RunId">The server's run; empty if the server hides it.</param>
/// <param name="Epoch">The epoch that the script found, of this or another run; empty without one.</param>
/// <param name="At">By the server's clock.</param>
public readonly record struct RunLook(VerifyOutcome Outcome, string RunId, string Epoch, DateTimeOffset At);
