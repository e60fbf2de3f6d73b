using System.Collections.Concurrent;
using Inventory.Fuzz.Wire;

namespace Inventory.Fuzz.Checking;

/// <summary>What is wrong with one answer.</summary>
/// <param name="Kind">What all answers with the same fault have in common.</param>
/// <param name="Allowed">What the document allows in its place.</param>
public sealed record Fault(string Kind, string Allowed);

/// <summary>Answers with the same fault: their number, and the first of them.</summary>
/// <param name="Fault">The fault.</param>
/// <param name="Call">The first call.</param>
/// <param name="Answer">Its answer.</param>
/// <param name="Place">Which call of the run it was.</param>
/// <param name="Count">How many answers have it.</param>
public sealed record Finding(Fault Fault, Call Call, Answer Answer, string Place, int Count);

/// <summary>Findings by kind. By design only so many kinds are kept: a broken product has one for every call.</summary>
public sealed class Findings
{
    private const int MostKinds = 200;

    private readonly ConcurrentDictionary<string, Finding> kinds = new();

    /// <summary>Counts a fault.</summary>
    public void Add(Fault fault, Call call, Answer answer, string place)
    {
        ArgumentNullException.ThrowIfNull(fault);
        if (kinds.Count >= MostKinds && !kinds.ContainsKey(fault.Kind)) return;
        kinds.AddOrUpdate(
            fault.Kind, _ => new(fault, call, answer, place, 1),
            (_, first) => first with { Count = first.Count + 1 });
    }

    /// <summary>The findings, the most frequent first.</summary>
    public IReadOnlyList<Finding> All => [.. kinds.Values.OrderByDescending(finding => finding.Count)];
}
