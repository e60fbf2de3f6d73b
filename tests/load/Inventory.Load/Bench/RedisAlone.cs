using System.Diagnostics;
using System.Globalization;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Load.Bench;

/// <summary>Separate Redis servers: the highest rate of the reserve script, and the memory of a hold.</summary>
internal sealed class RedisAlone(Plan plan, Figures figures, Action<string> log)
{
    private const string Sku = "sku-1";
    private const int HoldersAtOnce = 200;

    /// <summary>
    /// Makes an id from a random number: redis-benchmark draws a new number for each placeholder, and ids have 22
    /// characters. The digest in each call lowers the ceiling, in the product's favour.
    /// </summary>
    private const string Preamble = """
        ARGV[14] = string.sub(redis.sha1hex(ARGV[14]), 1, 22)

        """;

    /// <summary>Calls of the reserve script by redis-benchmark, in both durability modes.</summary>
    public async Task CallAsync(CancellationToken stop)
    {
        foreach (var mode in new[] { RedisPersistence.Written, RedisPersistence.Always })
        {
            await using var server = await RedisServer.StartAsync(mode);
            await using var redis = await ConnectAsync(server);
            await OpenAsync(redis);
            var info = await redis.GetServers()[0].InfoAsync("server");
            var run = info.SelectMany(section => section).First(pair => pair.Key == "run_id").Value;
            var text = $"local this_run = '{run}'\n{Preamble}{Script.Load("reserve")}";
            var hash = (string)(await redis.GetDatabase().ExecuteAsync("SCRIPT", "LOAD", text))!;

            string[] keys = ["epoch", "events", "due"];
            var step = $"{Names.Script} {(mode == RedisPersistence.Always ? "fsync always" : "fsync no")}";
            foreach (var connections in new[] { 1, Names.Compared })
            {
                // One connection waits for each answer, and with "always" for the disk, so it makes fewer calls.
                // The number of connections is part of the names, because redis-benchmark may draw a number again.
                var share = connections > 1 ? 1 : mode == RedisPersistence.Always ? 50 : 5;
                var calls = plan.ScriptCalls / share;
                var output = await Commands.OutputAsync(new ProcessStartInfo("redis-benchmark",
                [
                    "-h", "127.0.0.1", "-p", $"{server.Port}", "-c", $"{connections}", "-n", $"{calls}",
                    "-r", "1000000000", "--csv", "EVALSHA", hash, "3", .. keys.Select(key => "{inv:0}:" + key),
                    "", "86400", "", "86400", "500", "10", "7200000", "20", "1000",
                    "1", "", "", "", $"{connections}-__rand_int__", $"u:{connections}-__rand_int__",
                    "3600000", "refuse-unless-limited", "0", Sku, "1",
                ]), stop);
                // "test","rps","avg","min","p50","p95","p99","max"
                var values = output.Trim().Split('\n')[^1].Split("\",\"")
                    .Select(value => value.Trim('"')).ToArray()[^7..]
                    .Select(value => double.Parse(value, CultureInfo.InvariantCulture)).ToArray();
                figures.Add($"{step} c{connections}", "throughput", "1/s", values[0]);
                figures.Add($"{step} c{connections}", "p50", "ms", values[3]);
                figures.Add($"{step} c{connections}", "p99", "ms", values[5]);
                log($"{step} c{connections}: {values[0]:N0}/s, p99 {values[5]:0.0} ms");
            }

            // redis-benchmark counts refusals too, so check that the calls held units.
            var held = (int)await redis.GetDatabase().HashGetAsync($"{{inv:0}}:stock:{Sku}", "reserved");
            if (held < plan.ScriptCalls) throw new InvalidOperationException($"Only {held} calls held anything.");
        }
    }

    /// <summary>Measures the memory of a hold, with its event and without.</summary>
    public async Task WeighAsync()
    {
        foreach (var count in plan.HoldCounts)
        {
            await using var server = await RedisServer.StartAsync();
            await using var redis = await ConnectAsync(server);
            var engine = await OpenAsync(redis);
            var before = await UsedAsync(redis);
            await Crowd.EachAsync(count, HoldersAtOnce, number => engine.Holds.ReserveAsync(new()
            {
                Id = Guid.NewGuid(),
                Holder = Holder.Customer($"user-{number}"),
                Lines = [new(Sku, 1)],
                HoldFor = TimeSpan.FromHours(1),
            }));
            var withEvents = (double)(await UsedAsync(redis) - before) / count;
            await redis.GetDatabase().StreamTrimAsync("{inv:0}:events", 0);
            var without = (double)(await UsedAsync(redis) - before) / count;
            figures.Add($"hold among {count}", "memory", "bytes", without);
            figures.Add($"hold among {count}", "memory with its event", "bytes", withEvents);
            log($"{count:N0} holds: {without:0} bytes each, {withEvents:0} with the event");
        }
    }

    private static Task<ConnectionMultiplexer> ConnectAsync(RedisServer server) =>
        ConnectionMultiplexer.ConnectAsync(server.AdminConnectionString);

    private static async Task<StockStores> OpenAsync(ConnectionMultiplexer redis)
    {
        var engine = new StockStores(redis, Options.Create(new StockOptions()));
        await engine.Maintenance.LiftFenceAsync();
        await engine.Levels.SetStockAsync(new(Sku, 100_000_000, 1, null, false));
        // The first call loads the script; that memory is not part of the measurement.
        await engine.Holds.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer("first"),
            Lines = [new(Sku, 1)],
            HoldFor = TimeSpan.FromHours(1),
        });
        return engine;
    }

    private static async Task<long> UsedAsync(ConnectionMultiplexer redis)
    {
        var info = await redis.GetServers()[0].InfoAsync("memory");
        var used = info.SelectMany(section => section).First(pair => pair.Key == "used_memory").Value;
        return long.Parse(used, CultureInfo.InvariantCulture);
    }
}
