using System.Globalization;
using System.Text;
using Inventory.Load.Rivals;

namespace Inventory.Load.Bench;

/// <summary>The report as text.</summary>
internal static class Report
{
    /// <summary>The whole report.</summary>
    public static string Of(Figures figures, IReadOnlyDictionary<string, string> environment, Plan plan)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in environment) text.Append(Invariant, $"{name,-12} {value}\n");
        text.Append("\nTargets\n");
        foreach (var (what, measured, target, met) in Targets(figures, plan))
        {
            var verdict = met switch { true => "met", false => "MISSED", null => "not measured" };
            text.Append(Invariant, $"  {what,-58} {measured,14}   {target,-12} {verdict}\n");
        }

        text.Append(Invariant, $"\n{"Reserve, at all connections",-40}{"1/s",10}{"p50 ms",9}{"p99 ms",9}");
        text.Append(Invariant, $"{"p99.9 ms",10}{"errors",8}\n");
        foreach (var connections in plan.Connections)
        {
            foreach (var door in new[] { "gateway", "api" })
            {
                Load(text, figures, Names.Reserve(door, hot: true, connections));
                Load(text, figures, Names.Reserve(door, hot: false, connections));
            }
            Load(text, figures, $"{Names.Empty} c{connections}");
            Load(text, figures, $"{Names.EmptyProxied} c{connections}");
        }
        foreach (var mode in new[] { "fsync no c1", "fsync always c1", "fsync no c64", "fsync always c64" })
        {
            Load(text, figures, $"{Names.Script} {mode}");
        }

        text.Append("\nWhat the gateway's limiter adds to a request: with it, less without it\n");
        foreach (var connections in plan.Connections)
        {
            Load(text, figures, Names.Unlimited(connections));
            text.Append(Invariant, $"  {$"added, {connections} connections",-38}{"",10}");
            text.Append(Invariant, $"{Added("p50"),9}{Added("p99"),9}\n");
            string Added(string metric) => Number(
                figures.Median(Names.Reserve("gateway", hot: true, connections), metric)
                - figures.Median(Names.Unlimited(connections), metric));
        }

        Telemetry(text, figures);
        text.Append("\nBeside it, with 64 connections\n");
        foreach (var where in new[] { "one SKU", "10000 SKUs" })
        {
            foreach (var rival in new[] { Names.ForUpdate, Names.Conditional, Names.RedisLock })
            {
                Load(text, figures, $"{rival} {where}");
            }
        }
        foreach (var design in PgBench.Scripts.Keys) Load(text, figures, Names.Sql(design));
        foreach (var step in new[]
        {
            Names.Batch, Names.Confirm, $"{Names.Confirm} at the API", Names.ConfirmAlone,
            Names.Expiry,
        }) Load(text, figures, step);

        text.Append(Invariant, $"\n{"Process",-40}{"us per reservation",20}{"MB",10}\n");
        foreach (var name in Reserving.Measured)
        {
            var step = $"process {name}";
            var time = figures.Median(step, "processor time per reservation");
            text.Append(Invariant, $"  {name,-38}{Number(time),20}{Number(figures.Median(step, "memory")),10}\n");
        }

        Overload(text, figures);
        Kills(text, figures, plan);
        return text.ToString();
    }

    private static void Telemetry(StringBuilder text, Figures figures)
    {
        text.Append("\nWhat telemetry costs: one gateway and one API, processor time of both per reservation\n");
        foreach (var telemetry in new[] { true, false })
        {
            var step = Names.Observed(telemetry);
            Load(text, figures, step);
            var time = figures.Median(step, "processor time per reservation");
            text.Append(Invariant, $"  {"",-38}{Number(time),10} us\n");
        }
    }

    private static void Kills(StringBuilder text, Figures figures, Plan plan)
    {
        text.Append("\nKilled with -9 under load                  no hold for     newcomers queued   acknowledged");
        text.Append("   of these lost\n");
        foreach (var victim in plan.Victims)
        {
            var step = $"kill -9 {victim}";
            text.Append(Invariant, $"  {victim,-38}{Number(figures.Median(step, "no hold for")),14} s");
            text.Append(Invariant, $"{Number(figures.Median(step, "newcomers queued for")),16} s");
            text.Append(Invariant, $"{Number(figures.Median(step, "acknowledged")),15}");
            text.Append(Invariant, $"{Number(figures.Median(step, "acknowledged and lost")),16}\n");
        }
    }

    private static void Overload(StringBuilder text, Figures figures)
    {
        text.Append(Invariant, $"\n{$"{Names.Crowd:#,0} read and {Names.Crowd:#,0} reserve, without pause",-40}");
        text.Append(Invariant, $"{"served",10}{"shed",9}{"neither",9}{"p50 ms",10}{"p99 ms",8}\n");
        foreach (var step in new[] { Names.OverloadRead, Names.OverloadReserve, Names.OverloadConfirm })
        {
            var (served, shed, neither, p50, p99) = (Of("served"), Of("shed"), Of("neither"), Of("p50"), Of("p99"));
            text.Append(Invariant, $"  {step,-38}{served,10}{shed,9}{neither,9}{p50,10}{p99,8}\n");
            string Of(string metric) => Number(figures.Median(step, metric));
        }
        foreach (var name in Overloading.Weighed)
        {
            var (before, most) = (Of("memory before"), Of("memory, most"));
            text.Append(Invariant, $"  {name,-38}{before,7} MB before,{most,7} MB at most\n");
            string Of(string metric) => Number(figures.Median(Names.Overloaded(name), metric));
        }
    }

    /// <summary>The targets, and whether each was met; null where it wasn't measured.</summary>
    public static IEnumerable<(string What, string Measured, string Target, bool? Met)> Targets(
        Figures figures, Plan plan)
    {
        yield return AtMost("units oversold in a flash sale", figures.Most(Names.Sale, "oversold"), 0, "");
        yield return AtLeast("reserve, gateway, one SKU, 64 connections",
            figures.PerSecond(Names.Gateway), 10_000, "/s");
        yield return AtMost("  its p99", figures.Median(Names.Gateway, "p99"), 50, " ms");
        var api = figures.PerSecond(Names.Api);
        yield return AtLeast("reserve at the API / empty handler",
            api / figures.PerSecond($"{Names.Empty} c{Names.Compared}"), 0.5, "x");
        yield return AtLeast("reserve at the API / SELECT FOR UPDATE",
            api / figures.PerSecond($"{Names.ForUpdate} one SKU"), 20, "x");
        yield return AtLeast("confirm, gateway, one SKU", figures.PerSecond(Names.Confirm), 3_000, "/s");
        yield return AtMost($"{plan.DueHolds:N0} due holds, all back",
            figures.Median(Names.Expiry, "all back"), 3, " s");
        yield return AtMost("  p99 of reserves meanwhile", figures.Median(Names.Expiry, "p99"), 50, " ms");
        yield return AtMost("a total changed by SQL, in Redis after at most",
            figures.Most(Names.Capture, "in Redis after"), 1_000, " ms");
        yield return AtMost("overload: confirms that did not succeed",
            figures.Most(Names.OverloadConfirm, "shed") + figures.Most(Names.OverloadConfirm, "neither"), 0, "");
        yield return AtMost("overload: others, neither served nor shed with Retry-After",
            figures.Most(Names.OverloadRead, "neither") + figures.Most(Names.OverloadReserve, "neither"), 0, "");
        foreach (var victim in plan.Victims)
        {
            var step = $"kill -9 {victim}";
            yield return AtMost($"{step}: acknowledged and lost", figures.Most(step, "acknowledged and lost"), 0, "");
            yield return AtMost($"{step}: no hold for", figures.Most(step, "no hold for"), 10, " s");
        }
        foreach (var count in new[] { 100_000, 1_000_000 })
        {
            yield return AtMost($"bytes a hold, among {count:N0}, event apart",
                figures.Median($"hold among {count}", "memory"), 200, " B");
        }
    }

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    private static (string, string, string, bool?) AtLeast(string what, double? measured, double target, string unit) =>
        (what, Number(measured) + unit, $">= {target:#,0.##}{unit}",
            measured is null ? null : measured >= target);

    private static (string, string, string, bool?) AtMost(string what, double? measured, double target, string unit) =>
        (what, Number(measured) + unit, $"<= {target:#,0.##}{unit}",
            measured is null ? null : measured <= target);

    private static void Load(StringBuilder text, Figures figures, string step)
    {
        var load = new[] { "throughput", "p50", "p99", "p99.9", "errors" }
            .Select(metric => Number(figures.Median(step, metric))).ToArray();
        text.Append(Invariant, $"  {step,-38}{load[0],10}{load[1],9}{load[2],9}{load[3],10}{load[4],8}\n");
    }

    private static string Number(double? value) => value switch
    {
        null => "-",
        >= 100 or <= -100 => value.Value.ToString("#,0", Invariant),
        _ => value.Value.ToString("0.##", Invariant),
    };
}
