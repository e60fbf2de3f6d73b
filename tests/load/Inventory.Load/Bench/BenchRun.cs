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
    /// <param name="results">The folder for the results.</param>
    /// <param name="plan">Lengths and numbers of rounds.</param>
    /// <param name="stop">Cancels the run.</param>
    /// <returns>Whether every step was measured; a missed target does not count.</returns>
    public static async Task<bool> RunAsync(string results, Plan plan, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        void Log(string line) => Console.WriteLine($"[{clock.Elapsed:mm\\:ss}] {line}");
        using var stack = await RunningStack.FindAsync(stop);
        var figures = new Figures();
        var environment = await DescribeAsync(plan);
        var failed = false;
        async Task TryAsync(string what, Func<Task> measure)
        {
            try
            {
                await measure();
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                // A step that fails, for any reason, is logged and reported as not measured; the others still run.
                Log($"FAILED, {what}: {e.Message}");
                failed = true;
            }
        }

        var alone = new RedisAlone(plan, figures, Log);
        var reserving = new Reserving(stack, plan, figures, Log);
        await TryAsync("the script alone", () => alone.CallAsync(stop));
        await TryAsync("bytes a hold", alone.WeighAsync);
        Log("starting the empty handler, the rivals and their proxy");
        using (var opponents = await Opponents.StartAsync(stack, stop))
        {
            await TryAsync("reserve", () => reserving.RunAsync(opponents, stop));
            await TryAsync("confirm", () =>
                new Confirming(stack, plan, figures, Log).RunAsync(opponents, reserving.SettleAsync, stop));
        }
        reserving.Weigh();
        await TryAsync("expiry", () => new Expiring(stack, plan, figures, Log).RunAsync(reserving.SettleAsync, stop));
        await TryAsync("change capture", () => new Capturing(stack, figures, Log).RunAsync(stop));
        await TryAsync("flash sale", () => SellAsync(stack, figures, Log, stop));
        await TryAsync("overload", () =>
            new Overloading(stack, plan, figures, Log).RunAsync(reserving.SettleAsync, stop));
        await TryAsync("kill -9", () => new Killing(stack, plan, figures, Log).RunAsync(reserving.SettleAsync, stop));

        Console.WriteLine();
        Console.WriteLine(Report.Of(figures, environment, plan));
        await WriteAsync(figures, environment, plan, results);
        Log($"{results}/latest.csv, latest.txt and latest.svg are written");
        return !failed;
    }

    private static async Task SellAsync(RunningStack stack, Figures figures, Action<string> log, CancellationToken stop)
    {
        var sale = await new FlashSale(stack, _ => { }).RunAsync(Buyers, Units, stop);
        figures.Add(Names.Sale, "oversold", "units", sale.Oversold);
        log($"flash sale, {Buyers} buyers for {Units} units: held {sale.Held}, refused {sale.Refused}, errors "
            + $"{sale.Errors}, oversold {sale.Oversold}, stores agree: {(sale.Agrees ? "yes" : "no")}");
    }

    private static async Task WriteAsync(
        Figures figures, Dictionary<string, string> environment, Plan plan, string results)
    {
        Directory.CreateDirectory(results);
        var rows = environment.Select(pair => $"environment,{pair.Key},,\"{pair.Value.Replace('"', '\'')}\",,,");
        await File.WriteAllLinesAsync(Path.Combine(results, "latest.csv"), [.. figures.Csv(), .. rows]);
        await File.WriteAllTextAsync(
            Path.Combine(results, "latest.txt"), Report.Of(figures, environment, plan));
        await File.WriteAllTextAsync(Path.Combine(results, "latest.svg"),
            Plot.Of(figures, $"{environment["machine"]}; {environment["date"]}; {environment["mode"]}"));
    }

    /// <summary>The measured commit, and whether other files than docs/benchmarks differ from it.</summary>
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
                ? $"quick: one round of {plan.Step.TotalSeconds} s a step"
                : $"full: medians of {plan.Rounds} rounds of {plan.Step.TotalSeconds} s a step",
            ["date"] = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            ["commit"] = await CommitAsync(),
            ["machine"] = $"{Environment.ProcessorCount} x {processor ?? "?"}, {gigabytes:0} GB, the load included",
            ["load before"] = $"{load} runnable processes at the start",
            ["kernel"] = await Commands.FirstLineAsync("uname", "-sr"),
            [".NET"] = Environment.Version.ToString(),
            ["Redis"] = await Commands.FirstLineAsync("redis-server", "--version"),
            ["PostgreSQL"] = await Commands.FirstLineAsync("pgbench", "--version"),
            ["durability"] = $"AOF {Environment.GetEnvironmentVariable("Redis__AppendFsync") ?? "no"}, "
                + "PostgreSQL with fsync and synchronous_commit",
        };
    }
}
