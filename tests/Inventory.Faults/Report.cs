using System.Globalization;
using System.Text;
using Inventory.Faults.History;
using Inventory.Faults.Laws;
using Inventory.Faults.Running;

namespace Inventory.Faults;

/// <summary>The output of a run: its faults, the outages that clients saw, and the violations.</summary>
public static class Report
{
    private const int MostListed = 5;

    /// <summary>Faults by kind, with the longest outage that a client saw and the time to recover.</summary>
    public static string Faults(IReadOnlyList<Finding> findings)
    {
        ArgumentNullException.ThrowIfNull(findings);
        var seen = findings.SelectMany(finding => finding.Evidence.Faults
            .Select(fault => (fault.Kind, Outage: Outage.Of(fault, finding.Evidence)))).ToList();
        var table = new StringBuilder();
        table.AppendLine(Row("fault", "times", "longest outage", "serves again after", "(median)"));
        foreach (var kind in seen.GroupBy(each => each.Kind.Contains('+', StringComparison.Ordinal)
            ? "two at once" : each.Kind).OrderBy(kind => kind.Key, StringComparer.Ordinal))
        {
            var again = kind.Select(each => each.Outage.ServedAfterMs).Order().ToList();
            table.AppendLine(Row(
                kind.Key, Number(kind.Count()), Seconds(kind.Max(each => each.Outage.LongestMs)), Seconds(again[^1]),
                Seconds(again[again.Count / 2])));
        }

        var webhooks = findings.Sum(finding => finding.WebhookFaults);
        table.AppendLine(Row("webhook twice, late or out of order", Number(webhooks), "", "", ""));
        return table.ToString();
    }

    /// <summary>The numbers of checked calls and facts, and the violations.</summary>
    public static string Verdict(Finding finding)
    {
        ArgumentNullException.ThrowIfNull(finding);
        var (calls, facts) = (finding.Evidence.Operations, finding.Evidence.Facts);
        var text = new StringBuilder();
        var heard = calls.GroupBy(call => call.Heard).ToDictionary(group => group.Key, group => group.Count());
        text.AppendLine(CultureInfo.InvariantCulture,
            $"seed {finding.Seed}: {finding.Evidence.Faults.Count} faults; {calls.Count} calls checked "
            + $"({heard.GetValueOrDefault(Heard.Done)} done, {heard.GetValueOrDefault(Heard.Refused)} refused, "
            + $"{heard.GetValueOrDefault(Heard.Unknown)} unknown), {facts.Events.Count} events, "
            + $"{facts.Orders.Count} orders, {facts.Payments.Count} payments, {facts.Refunds.Count} refunds; "
            + $"{finding.Violations.Count} violations");
        // Show some violations of each law: the first one found seldom explains most.
        var told = finding.Violations.GroupBy(violation => violation.Law)
            .SelectMany(law => law.Select((violation, place) => (violation, place)))
            .OrderBy(each => each.place).Take(MostListed);
        foreach (var (violation, _) in told) text.AppendLine().Append(Shrinker.Tell(finding.Evidence, violation));

        if (finding.Violations.Count > MostListed)
        {
            text.AppendLine().AppendLine("by law: " + string.Join(", ", finding.Violations
                .GroupBy(violation => violation.Law).Select(law => $"{law.Key} {law.Count()}")));
        }

        foreach (var words in finding.LastWords) text.AppendLine("a service said:").AppendLine(words);
        return text.ToString();
    }

    private static string Row(string kind, string times, string longest, string again, string median) =>
        $"{kind,-36} {times,6} {longest,15} {again,20} {median,10}";

    private static string Number(int count) => count.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(long ms) => string.Create(CultureInfo.InvariantCulture, $"{ms / 1_000.0:0.00} s");
}

/// <summary>The outage that clients saw during one fault.</summary>
/// <param name="LongestMs">The longest time in which one client got no decision on a reserve call.</param>
/// <param name="ServedAfterMs">From the end of the fault to the first decision on a reserve call begun later.</param>
public sealed record Outage(long LongestMs, long ServedAfterMs)
{
    /// <summary>How long after its end a fault may still have effects.</summary>
    private const long Aftermath = 10_000;

    /// <summary>Measures one fault.</summary>
    public static Outage Of(Fault fault, Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentNullException.ThrowIfNull(evidence);
        // Stop before the effects of the next fault.
        var until = evidence.Faults.Where(next => next.BegunMs > fault.EndedMs).Select(next => next.BegunMs)
            .Append(fault.EndedMs + Aftermath).Min();
        var decided = evidence.Operations
            .Where(call => call.Heard != Heard.Unknown && call.Act == Act.Reserve).ToList();
        var longest = decided.GroupBy(call => call.Client).Select(own =>
        {
            var times = own.Select(call => call.EndedMs).Order().ToList();
            var before = times.LastOrDefault(time => time < fault.BegunMs, fault.BegunMs);
            return times.Where(time => time >= fault.BegunMs && time <= until).Prepend(before).Append(until)
                .Distinct().Order().Pairwise().Max();
        });
        var served = decided.Where(call => call.BegunMs >= fault.EndedMs).Select(call => call.EndedMs)
            .DefaultIfEmpty(evidence.Operations.Where(call => call.Client >= 0).Max(call => call.EndedMs)).Min();
        return new(longest.DefaultIfEmpty(0).Max(), Math.Max(served - fault.EndedMs, 0));
    }
}

/// <summary>Differences between consecutive times.</summary>
internal static class Distances
{
    public static IEnumerable<long> Pairwise(this IEnumerable<long> times)
    {
        var all = times.ToList();
        return all.Count < 2 ? [0] : all.Skip(1).Select((time, at) => time - all[at]);
    }
}
