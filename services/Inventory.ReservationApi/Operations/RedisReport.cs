using System.Globalization;
using Inventory.Stock;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Operations;

/// <summary>Reads the state of Redis with INFO, CONFIG and SLOWLOG.</summary>
internal sealed class RedisReport(IConnectionMultiplexer redis, TimeProvider time)
{
    private const int Pings = 5;
    private const int SlowCommands = 10;
    private const int SlowTime = 1, SlowDuration = 2, SlowArguments = 3;

    // Less than the gateway and an operator wait; enough for several answers of a healthy Redis.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    private readonly IDatabase database = redis.GetDatabase();

    /// <summary>The state of Redis, within a bounded time. An outage of Redis is an answer, not an exception.</summary>
    internal async Task<ShowRedis.Response> ReadAsync()
    {
        try
        {
            return await AskAsync().WaitAsync(Patience, time);
        }
        catch (TimeoutException)
        {
            var patience = Patience.TotalSeconds.ToString(CultureInfo.InvariantCulture);
            return Unavailable($"It did not answer within {patience} s.");
        }
        catch (StoreException e) when (e.IsOutage)
        {
            return Unavailable(e.Message);
        }
    }

    private static ShowRedis.Response Unavailable(string reason) => new()
    {
        Connected = false,
        Reason = reason,
        Warnings = ["Redis is unavailable: nothing is sold."],
    };

    private async Task<ShowRedis.Response> AskAsync()
    {
        // One after the other: pings that are in flight together delay each other.
        var pings = new List<double>(Pings);
        for (var i = 0; i < Pings; i++) pings.Add((await database.PingAsync().OrFailedAsync()).TotalMilliseconds);
        pings.Sort();

        var info = Info((string?)await database.ExecuteAsync("INFO").OrFailedAsync());
        var memory = new RedisMemory(
            Number(info, "used_memory"), Number(info, "used_memory_peak"), Number(info, "maxmemory"),
            info.GetValueOrDefault("maxmemory_policy", "unknown"), Number(info, "evicted_keys"));
        var fsync = await IfAllowedAsync("CONFIG", "GET", "appendfsync") is { Length: 2 } setting
            ? (string?)setting[1]
            : null;
        var isLogged = Number(info, "aof_enabled") == 1;
        var persistence = new RedisPersistence(
            isLogged, fsync, MayLose(isLogged, fsync), info.GetValueOrDefault("aof_last_write_status"),
            info.GetValueOrDefault("aof_last_bgrewrite_status"), Number(info, "aof_delayed_fsync"));
        var slow = await IfAllowedAsync("SLOWLOG", "GET", SlowCommands);
        var scripts = Script.NamesByHash(info.GetValueOrDefault("run_id", ""));
        return new()
        {
            Connected = true,
            Warnings = [.. Warn(memory, persistence)],
            Version = info.GetValueOrDefault("redis_version"),
            UptimeSeconds = Number(info, "uptime_in_seconds"),
            Latency = new(pings[Pings / 2], pings[^1]),
            Memory = memory,
            Keys = (long)await database.ExecuteAsync("DBSIZE").OrFailedAsync(),
            Persistence = persistence,
            Replication = new(
                info.GetValueOrDefault("role", "unknown"), (int)Number(info, "connected_slaves")),
            SlowLog = slow is null ? null : [.. slow.Select(entry => Slow(entry, scripts))],
        };
    }

    private static IEnumerable<string> Warn(RedisMemory memory, RedisPersistence persistence)
    {
        if (memory.Policy != "noeviction")
        {
            yield return $"maxmemory-policy is {memory.Policy}: Redis would evict holds when it is full, and their "
                + "units could be sold twice. It must be noeviction.";
        }
        if (memory.EvictedKeys > 0)
        {
            yield return $"Redis has evicted {memory.EvictedKeys} keys: stock and holds may be among them.";
        }
        if (memory.MaxBytes > 0 && memory.UsedBytes > memory.MaxBytes * 0.9)
        {
            yield return "More than nine tenths of maxmemory are in use: when Redis is full, nothing more is held.";
        }
        if (!persistence.Aof)
        {
            yield return "The append-only file is off: a restart loses every hold.";
        }
        if (persistence is { Aof: true, LastWrite: not "ok" } or { Aof: true, LastRewrite: not "ok" })
        {
            yield return "The append-only file could not be written.";
        }
    }

    /// <summary>What a crash of Redis may lose. Not a warning, because each setting is an operator's choice.</summary>
    private static string? MayLose(bool isLogged, string? fsync) => (isLogged, fsync) switch
    {
        (false, _) => "Everything: it starts empty, and is rebuilt from PostgreSQL.",
        (_, "no") => "Nothing when its process dies. When its machine dies, what it wrote in the last 30 s: holds of "
            + "that time come back from PostgreSQL, idempotency records don't.",
        (_, "everysec") => "Up to 2 s, when its process or its machine dies: holds of that time come back from "
            + "PostgreSQL, idempotency records don't.",
        (_, "always") => "Nothing, unless the disk loses data.",
        _ => null,
    };

    /// <summary>The answer; null where a hosted Redis forbids the command.</summary>
    private async Task<RedisResult[]?> IfAllowedAsync(string command, params object[] arguments)
    {
        try
        {
            return (RedisResult[]?)await database.ExecuteAsync(command, arguments).OrFailedAsync();
        }
        catch (StoreRejectedException e) when (e.Code == "NOPERM"
            || e.Message.StartsWith("ERR unknown command", StringComparison.Ordinal))
        {
            return null;
        }
    }

    private static Dictionary<string, string> Info(string? text) => (text ?? "")
        .Split("\r\n")
        .Select(line => line.Split(':', 2))
        .Where(parts => parts.Length == 2)
        .GroupBy(parts => parts[0], parts => parts[1])
        .ToDictionary(group => group.Key, group => group.First());

    private static long Number(Dictionary<string, string> info, string name) =>
        long.TryParse(info.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;

    private static SlowCommand Slow(RedisResult entry, IReadOnlyDictionary<string, string> scripts)
    {
        var fields = (RedisResult[])entry!;
        var arguments = (string?[])fields[SlowArguments]!;
        var name = arguments[0] ?? "";
        if (name.StartsWith("EVAL", StringComparison.OrdinalIgnoreCase) && arguments.Length > 1)
        {
            name += " " + scripts.GetValueOrDefault(arguments[1]!, "of others");
        }
        var at = DateTimeOffset.FromUnixTimeSeconds((long)fields[SlowTime]).UtcDateTime;
        return new(at, (long)fields[SlowDuration], name);
    }
}
