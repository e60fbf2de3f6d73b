using Inventory.Load.Http;
using Inventory.Load.Rivals;
using Inventory.Load.Stack;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Load.Bench;

/// <summary>Measures reserving by the product, its ceilings and its rivals, in alternation.</summary>
/// <param name="stack">The product.</param>
/// <param name="plan">Lengths and numbers of rounds.</param>
/// <param name="figures">Receives the results.</param>
/// <param name="log">Receives one line for each step.</param>
internal sealed class Reserving(RunningStack stack, Plan plan, Figures figures, Action<string> log)
{
    private const int ManySkus = 10_000;
    private const string Many = "bench-many";
    /// <summary>The processes of these resources are watched.</summary>
    public static readonly string[] Measured =
    [
        "gateway", "reservation-api", "redis", "materializer", "expiration-worker", "reconciliation-worker", "postgres",
    ];

    /// <summary>Measures all steps.</summary>
    /// <param name="servers">The rivals, the empty proxy and a gateway without rate limits.</param>
    /// <param name="stop">Cancels the measurement.</param>
    public async Task RunAsync(Opponents servers, CancellationToken stop)
    {
        log("creating 10,000 products by plain SQL");
        await stack.CreateManyAsync(Many, ManySkus, RunningStack.Plenty, stop);
        foreach (var target in stack.Addresses("reservation-api").Prepend(stack.Gateway).Append(servers.Unlimited))
        {
            await WarmUpAsync(Door(target), Many, stop);
        }
        foreach (var telemetry in new[] { true, false })
        {
            await WarmUpAsync(Door(servers.Observed(telemetry).Gateway), Many, stop);
        }

        await WarmUpAsync(new(servers.Proxy, "empty"), "many", stop);
        foreach (var path in new[] { "for-update", "conditional", "redis-lock", "confirm" })
        {
            await Wrk.ReserveAsync(new(servers.Rivals, path), 16, TimeSpan.FromSeconds(1), "hot", 1, stop);
        }

        var steps = Steps(servers).ToArray();
        for (var round = 1; round <= plan.Rounds; round++)
        {
            // Reversed in every second round, so that drift over a run (a growing append-only file) affects all alike.
            var turn = round % 2 == 1 ? steps : [.. steps.Reverse()];
            foreach (var (name, target, connections, sku) in turn)
            {
                await MeasureAsync($"round {round} of {plan.Rounds}", name, target, connections, sku, stop);
            }
            foreach (var telemetry in new[] { round % 2 == 1, round % 2 == 0 })
            {
                await MeasureTelemetryAsync($"round {round} of {plan.Rounds}", servers, telemetry, stop);
            }

            await MeasureSqlAsync(servers.Connection, stop);
        }
    }

    /// <summary>Waits until the product has nothing left to do.</summary>
    public async Task SettleAsync(CancellationToken stop)
    {
        for (var waited = TimeSpan.Zero; waited < plan.LongestSettling;)
        {
            var before = Measured.Sum(name => ProcessFigures.Processor(stack.ProcessIds(name)).TotalSeconds);
            await Task.Delay(TimeSpan.FromMilliseconds(500), stop);
            var used = Measured.Sum(name => ProcessFigures.Processor(stack.ProcessIds(name)).TotalSeconds) - before;
            if (used < 0.1) return;
            waited += TimeSpan.FromMilliseconds(500);
        }
    }

    private static Uri Door(Uri server) => new(server, "/api/reservations");

    private IEnumerable<(string Name, Uri Target, int Connections, string? Sku)> Steps(Opponents servers)
    {
        var api = Door(stack.Addresses("reservation-api")[0]);
        foreach (var connections in plan.Connections)
        {
            foreach (var hot in new[] { true, false })
            {
                var sku = hot ? null : Many;
                yield return (Names.Reserve("gateway", hot, connections), Door(stack.Gateway), connections, sku);
                if (hot) yield return (Names.Unlimited(connections), Door(servers.Unlimited), connections, sku);
                yield return (Names.Reserve("api", hot, connections), api, connections, sku);
            }
            yield return ($"{Names.Empty} c{connections}", new(servers.Rivals, "empty"), connections, "hot");
            yield return ($"{Names.EmptyProxied} c{connections}", new(servers.Proxy, "empty"), connections, "hot");
        }

        foreach (var sku in new[] { "hot", "many" })
        {
            var where = sku == "hot" ? "one SKU" : "10000 SKUs";
            yield return ($"{Names.ForUpdate} {where}", new(servers.Rivals, "for-update"), Names.Compared, sku);
            yield return ($"{Names.Conditional} {where}", new(servers.Rivals, "conditional"), Names.Compared, sku);
            yield return ($"{Names.RedisLock} {where}", new(servers.Rivals, "redis-lock"), Names.Compared, sku);
        }
    }

    private async Task MeasureAsync(
        string round, string name, Uri target, int connections, string? sku, CancellationToken stop)
    {
        // Each step gets a new SKU, because holds of earlier steps would make its scripts search more.
        sku ??= await stack.CreateOwnAsync();
        await SettleAsync(stop);
        var before = Measured.ToDictionary(process => process, Processor);
        var load = await Wrk.ReserveAsync(
            target, connections, plan.Step, sku, sku is Many or "many" ? ManySkus : 1, stop);
        figures.Add(name, load);
        if (name == Names.Gateway)
        {
            foreach (var process in Measured)
            {
                figures.Add($"process {process}", "processor time per reservation", "us",
                    (Processor(process) - before[process]) * 1e6 / load.Done);
            }
        }
        log($"{round}: {name}: {load.PerSecond:N0}/s, p99 {load.P99:0.0} ms, {load.Errors} errors");
    }

    private async Task MeasureTelemetryAsync(string round, Opponents servers, bool telemetry, CancellationToken stop)
    {
        var (gateway, pids) = servers.Observed(telemetry);
        var name = Names.Observed(telemetry);
        var sku = await stack.CreateOwnAsync();
        await SettleAsync(stop);
        var before = ProcessFigures.Processor(pids);
        var load = await Wrk.ReserveAsync(Door(gateway), Names.Compared, plan.Step, sku, 1, stop);
        figures.Add(name, load);
        var used = (ProcessFigures.Processor(pids) - before).TotalMicroseconds / load.Done;
        figures.Add(name, "processor time per reservation", "us", used);
        log($"{round}: {name}: {load.PerSecond:N0}/s, {used:N0} us of gateway and API each");
    }

    /// <summary>
    /// Runs load until the throughput stops rising. The runtime compiles busy code, then compiles it again with more
    /// optimization, which takes a third of a service's processor time meanwhile.
    /// </summary>
    private async Task WarmUpAsync(Uri target, string sku, CancellationToken stop)
    {
        var best = 0.0;
        for (var run = 1; run <= plan.WarmUps; run++)
        {
            var load = await Wrk.ReserveAsync(target, Names.Compared, plan.WarmUp, sku, ManySkus, stop);
            log($"warming up {target.Authority}{target.AbsolutePath}: {load.PerSecond:N0}/s");
            if (run > 2 && load.PerSecond < best * 1.05) return;
            best = Math.Max(best, load.PerSecond);
        }
    }

    private async Task MeasureSqlAsync(string connection, CancellationToken stop)
    {
        foreach (var (design, script) in PgBench.Scripts)
        {
            await SettleAsync(stop);
            var rate = await PgBench.RunAsync(connection, script, Opponents.PoolSize, plan.Step, stop);
            figures.Add(Names.Sql(design), "throughput", "1/s", rate);
            log($"{Names.Sql(design)}: {rate:N0}/s");
        }
    }

    private double Processor(string process) => ProcessFigures.Processor(stack.ProcessIds(process)).TotalSeconds;

    /// <summary>Records the memory of each process.</summary>
    public void Weigh()
    {
        foreach (var process in Measured)
        {
            figures.Add($"process {process}", "memory", "MB", ProcessFigures.Megabytes(stack.ProcessIds(process)));
        }
    }
}
