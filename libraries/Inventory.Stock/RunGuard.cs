using System.Collections.Concurrent;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// Knows which run of which server each partition is served by, and loads scripts into that run and no other. A server
/// keeps its run_id until its process ends, so a server that restarted, was promoted or took another's address has none
/// of these texts: it answers NOSCRIPT, and is looked at before it may do anything.
/// </summary>
/// <remarks>
/// Each text contains the run_id that it is for, and acts only where the epoch names the same run. It is loaded in one
/// transaction with the look that removes an epoch of any other run. So where such a text runs, the data was checked or
/// rebuilt in this run. A call costs no more for it than the reading of a key.
/// </remarks>
internal sealed class RunGuard(IDatabase database)
{
    private readonly ConcurrentDictionary<RedisKey, ServerRun> runs = new();
    private readonly ConcurrentDictionary<(RedisKey, Script), Lazy<Task<bool>>> loading = new();

    /// <summary>What every guarded script answers while fenced.</summary>
    public static RedisResult Fenced { get; } = RedisResult.Create((RedisValue)"-9");

    /// <summary>The connection.</summary>
    public IDatabase Database => database;

    /// <summary>Whether a server refused a text without having run it.</summary>
    public static bool IsUnknownText(RedisServerException refusal) =>
        refusal.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal)
        || refusal.Message.StartsWith("OTHERRUN", StringComparison.Ordinal);

    /// <summary>The run that served a partition last; null before its first call.</summary>
    /// <param name="epoch">The partition's epoch key.</param>
    public ServerRun? KnownRun(RedisKey epoch) => runs.GetValueOrDefault(epoch);

    /// <summary>Looks at the server that serves a partition now; closes the fence if it isn't its own.</summary>
    /// <param name="epoch">The partition's epoch key.</param>
    public async Task<RunLook> LookAsync(RedisKey epoch)
    {
        var look = Read(await Script.VerifyRun.RunAsync(database, [epoch], []));
        if (look.RunId.Length == 0) runs.TryRemove(epoch, out _);
        else if (KnownRun(epoch)?.Id != look.RunId) runs[epoch] = new(look.RunId);
        return look;
    }

    /// <summary>Loads a script into the run that serves a partition now. Callers share the work.</summary>
    /// <param name="epoch">The partition's epoch key.</param>
    /// <param name="script">The script.</param>
    /// <returns>Whether there is a run to call; false where the server hides its run_id.</returns>
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
        if ((await LookAsync(epoch)).RunId.Length == 0) return false;
        if (KnownRun(epoch) is not { } run) return false;
        // One connection, hence one run: whichever it is, no other run's epoch is left in it beside this text.
        var transaction = database.CreateTransaction();
        var look = transaction.ExecuteAsync("EVAL", Script.VerifyRun.TextFor(""), 1, epoch);
        var load = transaction.ExecuteAsync("SCRIPT", "LOAD", script.TextFor(run.Id));
        await transaction.ExecuteAsync();
        await Task.WhenAll(look, load);
        return true;
    }

    private static RunLook Read(RedisResult result)
    {
        var reply = new Reply(result);
        var outcome = (VerifyOutcome)reply.NextInt();
        return new(outcome, reply.Next().ToString(), reply.Next().ToString(), reply.NextTime());
    }
}

/// <summary>One life of one server's process.</summary>
/// <param name="id">Its run_id.</param>
internal sealed class ServerRun(string id)
{
    private readonly ConcurrentDictionary<Script, byte[]> hashes = new();

    /// <summary>Its run_id.</summary>
    public string Id => id;

    /// <summary>The hash by which it knows a script.</summary>
    public byte[] HashOf(Script script) =>
        hashes.TryGetValue(script, out var hash) ? hash : hashes[script] = script.HashFor(id);
}

/// <summary>What a look at a partition's server found.</summary>
/// <param name="Outcome">Whether it may sell.</param>
/// <param name="RunId">The server's run; empty where it hides it.</param>
/// <param name="Epoch">The epoch that lay there, whoever's it was; empty without one.</param>
/// <param name="At">By the server's clock.</param>
public readonly record struct RunLook(VerifyOutcome Outcome, string RunId, string Epoch, DateTimeOffset At);
