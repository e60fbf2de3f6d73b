using System.Diagnostics;
using System.Globalization;
using Inventory.Load.Stack;

namespace Inventory.Load.Bench;

/// <summary>The whole measurement, from a running product to the table.</summary>
internal static class BenchRun
{
    private const int Buyers = 2_000;
    private const int Units = 100;

    /// <summary>Measures, prints, and writes latest.csv, latest.txt and latest.svg.</summary>
    /// <param name="resources">The application host's resources.json.</param>
    /// <param name="results">The folder for the results.</param>
    /// <param name="plan">How long and how often.</param>
    /// <param name="stop">Ends it.</param>
    public static async Task RunAsync(string resources, string results, Plan plan, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        void Log(string line) => Console.WriteLine($"[{clock.Elapsed:mm\\:ss}] {line}");
        using var stack = new RunningStack(resources);
        var figures = new Figures();
        var environment = await DescribeAsync(plan);
        try
        {
            var alone = new RedisAlone(plan, figures, Log);
            await alone.CallAsync(stop);
            await alone.WeighAsync();

            Log("starting the empty handler, the rivals and their proxy");
            using var opponents = await Opponents.StartAsync(stack, stop);
            var reserving = new Reserving(stack, plan, figures, Log);
            await reserving.RunAsync(opponents, stop);
            await new Confirming(stack, plan, figures, Log).RunAsync(opponents, reserving.SettleAsync, stop);
            reserving.Weigh();
            await new Expiring(stack, plan, figures, Log).RunAsync(reserving.SettleAsync, stop);

            var sale = await new FlashSale(stack, _ => { }).RunAsync(Buyers, Units, stop);
            figures.Add(Names.Sale, "oversold", "units", sale.Oversold);
            Log($"flash sale, {Buyers} buyers for {Units} units: held {sale.Held}, refused {sale.Refused}, errors "
                + $"{sale.Errors}, oversold {sale.Oversold}, stores agree: {(sale.Agrees ? "yes" : "no")}");
            await new Killing(stack, plan, figures, Log).RunAsync(reserving.SettleAsync, stop);
        }
        finally
        {
            // What was measured before something failed is worth reading too, but no result.
            Console.WriteLine();
            Console.WriteLine(Report.Of(figures, environment, plan));
        }

        Directory.CreateDirectory(results);
        var rows = environment.Select(pair => $"environment,{pair.Key},,\"{pair.Value.Replace('"', '\'')}\",,,");
        await File.WriteAllLinesAsync(Path.Combine(results, "latest.csv"), [.. figures.Csv(), .. rows], stop);
        await File.WriteAllTextAsync(
            Path.Combine(results, "latest.txt"), Report.Of(figures, environment, plan), stop);
        await File.WriteAllTextAsync(Path.Combine(results, "latest.svg"),
            Plot.Of(figures, $"{environment["machine"]}; {environment["date"]}; {environment["mode"]}"), stop);
        Log($"{results}/latest.csv, latest.txt and latest.svg are written");
    }

    /// <summary>What was measured; results of earlier runs make no difference to it.</summary>
    private static async Task<string> CommitAsync()
    {
        var commit = await Commands.FirstLineAsync("git", "-C", Repository.Root, "rev-parse", "--short", "HEAD");
        var changes = await Commands.FirstLineAsync(
            "git", "-C", Repository.Root, "status", "--porcelain", "--", ".", ":!docs/benchmarks");
        return changes.Length > 0 ? $"{commit} and changes" : commit;
    }

    private static async Task<Dictionary<string, string>> DescribeAsync(Plan plan)
    {
        var processor = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        var gigabytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);
        var load = (await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0];
        return new()
        {
            ["mode"] = plan.Quick
                ? "quick: one round of 2 s a step"
                : $"full: medians of {plan.Rounds} rounds of 4 s a step",
            ["date"] = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            ["commit"] = await CommitAsync(),
            ["machine"] = $"{Environment.ProcessorCount} x {processor ?? "?"}, {gigabytes:0} GB, the load included",
            ["load before"] = $"{load} processes wanted to run when it began",
            ["kernel"] = await Commands.FirstLineAsync("uname", "-sr"),
            [".NET"] = Environment.Version.ToString(),
            ["Redis"] = await Commands.FirstLineAsync("redis-server", "--version"),
            ["PostgreSQL"] = await Commands.FirstLineAsync("pgbench", "--version"),
            ["durability"] = $"AOF {Environment.GetEnvironmentVariable("Redis__AppendFsync") ?? "everysec"}, "
                + "PostgreSQL with fsync and synchronous_commit",
        };
    }
}
