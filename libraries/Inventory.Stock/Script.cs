using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// One file of <c>lua/</c> as it is sent to Redis: the shared parts that it includes, then its own text.
/// </summary>
public sealed partial class Script
{
    private static readonly Assembly Scripts = typeof(Script).Assembly;

    /// <summary>Each attempt after the second means that the server was replaced again in between.</summary>
    private const int Attempts = 5;

    private readonly string body;
    private readonly string text;
    private readonly byte[] hash;

    private Script(string name)
    {
        body = Load(name);
        text = TextFor("");
        hash = Digest(text);
    }

    /// <summary>Names of all scripts, without path and extension.</summary>
    public static IEnumerable<string> Names { get; } =
    [
        .. Scripts.GetManifestResourceNames()
            .Where(name => name.EndsWith(".lua", StringComparison.Ordinal)
                && !name.StartsWith("shared", StringComparison.Ordinal))
            .Select(name => name[..^".lua".Length])
            .Order(StringComparer.Ordinal),
    ];

    internal static Script Reserve { get; } = new("reserve");

    internal static Script Adjust { get; } = new("adjust");

    internal static Script Extend { get; } = new("extend");

    internal static Script Release { get; } = new("release");

    internal static Script Undo { get; } = new("undo");

    internal static Script Expire { get; } = new("expire");

    internal static Script Find { get; } = new("find");

    internal static Script Snapshot { get; } = new("snapshot");

    internal static Script Pin { get; } = new("pin");

    internal static Script Unpin { get; } = new("unpin");

    internal static Script Commit { get; } = new("commit");

    internal static Script CancelOrder { get; } = new("cancel_order");

    internal static Script RestoreHold { get; } = new("restore_hold");

    internal static Script SetStock { get; } = new("set_stock");

    internal static Script LoadStock { get; } = new("load_stock");

    internal static Script LoadHolds { get; } = new("load_holds");

    internal static Script DropHolds { get; } = new("drop_holds");

    internal static Script LoadUnits { get; } = new("load_units");

    internal static Script ClearSku { get; } = new("clear_sku");

    internal static Script FenceSku { get; } = new("fence_sku");

    internal static Script DropStrays { get; } = new("drop_strays");

    internal static Script AdvanceStream { get; } = new("advance_stream");

    internal static Script Beat { get; } = new("beat");

    internal static Script VerifyRun { get; } = new("verify_run");

    internal static Script CloseFence { get; } = new("close_fence");

    internal static Script OpenFence { get; } = new("open_fence");

    internal static Script AuditStock { get; } = new("audit_stock");

    internal static Script AuditHolds { get; } = new("audit_holds");

    internal static Script AuditUnits { get; } = new("audit_units");

    internal static Script AuditBought { get; } = new("audit_bought");

    /// <summary>Script names by hash, in lower-case hexadecimal digits as in Redis' slow log.</summary>
    /// <param name="runId">The server's run: each run has its own texts.</param>
    public static IReadOnlyDictionary<string, string> NamesByHash(string runId) => (
        from name in Names
        from run in new[] { runId, "" }.Distinct()
        select (Hash: Convert.ToHexStringLower(Digest(TextFor(Load(name), run))), name)).ToDictionary();

    /// <summary>The text of one script.</summary>
    /// <param name="name">One of <see cref="Names"/>; anything else is an <see cref="ArgumentException"/>.</param>
    public static string Load(string name)
    {
        var parts = new List<string>();
        Add(Read($"{name}.lua"));
        return string.Join('\n', parts);

        // A part follows the parts that it includes.
        void Add(string text)
        {
            foreach (Match include in Included().Matches(text)) Add(Read(include.Groups["path"].Value));
            parts.Add(text);
        }
    }

    /// <summary>The text for one run of a server. It acts in no other run.</summary>
    /// <param name="runId">The run; empty for a script that works behind the fence.</param>
    internal string TextFor(string runId) => TextFor(body, runId);

    /// <summary>The hash of <see cref="TextFor(string)"/>.</summary>
    internal byte[] HashFor(string runId) => Digest(TextFor(runId));

    /// <summary>
    /// Runs the script if the server is the verified one; otherwise the reply is fenced. It is called by its hash: a
    /// server that restarted or failed over doesn't know the hash and refuses without doing anything.
    /// </summary>
    internal async Task<RedisResult> RunAsync(RunGuard guard, RedisKey[] keys, RedisValue[] arguments)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (guard.KnownRun(keys[0]) is { } run)
            {
                try
                {
                    return (await guard.Database.ScriptEvaluateAsync(run.HashOf(this), keys, arguments)).OrFailed();
                }
                catch (RedisServerException e) when (attempt < Attempts && RunGuard.IsUnknownText(e))
                {
                    // The server refused without doing anything; load the script and try again.
                }
                catch (Exception e) when (RedisCalls.Translate(e) is { } translated)
                {
                    throw translated;
                }
            }

            if (!await guard.LoadAsync(keys[0], this)) return RunGuard.Fenced;
        }
    }

    /// <summary>Runs a script that works behind the fence, on any server.</summary>
    internal async Task<RedisResult> RunAsync(IDatabase database, RedisKey[] keys, RedisValue[] arguments)
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

    /// <summary>Runs a script that includes <c>shared/rebuilding.lua</c>.</summary>
    /// <param name="redis">The connection.</param>
    /// <param name="scope">What is rebuilt. A repair acts in the verified run only; a rebuild precedes it.</param>
    /// <param name="items">The arguments for the items that the script works on.</param>
    internal Task<RedisResult> RunAsync(PartitionedRedis redis, RebuildScope scope, IEnumerable<RedisValue> items)
    {
        var (partition, sku, token) = scope;
        RedisKey[] keys = [partition.Epoch, partition.Events, partition.Due];
        RedisValue[] arguments =
            [PartitionedRedis.Trace, redis.EndedRetention, PartitionedRedis.Stored(sku ?? ""), token ?? "", .. items];
        return sku is null ? RunAsync(redis.Database, keys, arguments) : RunAsync(redis.Guard, keys, arguments);
    }

    private static string TextFor(string body, string runId) => $"local this_run = '{runId}'\n{body}";

    [SuppressMessage("Security", "CA5350", Justification = "Redis names scripts by SHA-1; nothing is secured by it.")]
    private static byte[] Digest(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));

    private static string Read(string path)
    {
        using var stream = Scripts.GetManifestResourceStream(path)
            ?? throw new ArgumentException($"There is no script {path}.", nameof(path));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^-- include (?<path>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Included();
}
