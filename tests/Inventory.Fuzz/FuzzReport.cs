using System.Globalization;
using System.Text;

namespace Inventory.Fuzz;

/// <summary>The output of a run: its calls, the memory of the product, and the findings.</summary>
public static class FuzzReport
{
    /// <summary>The findings of each kind, with what is needed to see one again.</summary>
    /// <param name="outcome">The result of the run.</param>
    /// <param name="most">How many kinds are listed.</param>
    public static string Findings(Outcome outcome, int most = 20)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        var text = new StringBuilder();
        foreach (var finding in outcome.Findings.Take(most))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"FINDING {finding.Fault.Kind} ({finding.Count} times)");
            text.AppendLine($"  allowed: {finding.Fault.Allowed}");
            text.AppendLine($"  first:   {finding.Place}, {finding.Answer.Took.TotalMilliseconds:0} ms");
            text.AppendLine($"  again:   {finding.Call.ToCommand(outcome.Front)}");
            text.AppendLine(Indented(finding.Answer.ToString()));
        }

        if (outcome.Findings.Count > most) text.AppendLine($"and {outcome.Findings.Count - most} more kinds");
        text.AppendLine($"{outcome.Findings.Count} kinds of findings in {outcome.Calls} calls, seed {outcome.Seed}");
        return text.ToString();
    }

    /// <summary>Calls by operation and status.</summary>
    public static string Coverage(Outcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        var text = new StringBuilder();
        var names = outcome.Operations.Select(operation => operation.Id).Append("");
        text.AppendLine($"{"operation",-26}{"calls",8}  answers by status");
        foreach (var name in names)
        {
            var own = outcome.Answers.Where(each => each.Key.Operation == name)
                .OrderBy(each => each.Key.Status).ToList();
            var statuses = string.Join(", ", own.Select(each => $"{each.Key.Status}: {each.Value}"));
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{(name.Length == 0 ? "elsewhere" : name),-26}{own.Sum(each => each.Value),8}  {statuses}");
        }

        var rate = outcome.Calls / outcome.Took.TotalSeconds;
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{outcome.Calls} calls in {outcome.Took.TotalSeconds:0} s, {rate:0} a second");
        if (outcome.NeverDone.Count > 0) text.AppendLine($"never answered 2xx: {string.Join(", ", outcome.NeverDone)}");
        return text.ToString();
    }

    private static string Indented(string text) => string.Join(
        Environment.NewLine, text.Split('\n').Select(line => $"    {line.TrimEnd('\r')}"));
}
