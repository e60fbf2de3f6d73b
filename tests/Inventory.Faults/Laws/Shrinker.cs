using System.Text;
using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>The shortest history that it can find in which a law is still broken.</summary>
public static class Shrinker
{
    /// <summary>How long before and after a call a fault may have to do with it.</summary>
    private const long Around = 5_000;

    /// <summary>Leaves out what the violation doesn't need: other reservations, then call after call.</summary>
    /// <returns>Evidence in which the same law is broken about the same.</returns>
    public static Evidence Shrink(Evidence evidence, Violation violation)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(violation);
        // About no reservation and no SKU: nothing can be left out.
        if (violation.Reservation is null && violation.Sku is null) return evidence;
        var small = Project(evidence, violation);
        if (!IsBroken(small, violation)) small = evidence;
        if (violation.Reservation is null) return small;
        for (var i = small.Operations.Count - 1; i >= 0; i--)
        {
            var without = small with { Operations = [.. small.Operations.Where((_, at) => at != i)] };
            if (IsBroken(without, violation)) small = without;
        }

        return small;
    }

    /// <summary>What a person needs to see: calls, events and faults in the order of time.</summary>
    public static string Tell(Evidence evidence, Violation violation)
    {
        var small = Shrink(evidence, violation);
        var lines = small.Operations.Select(each => (each.BegunMs, Text: each.ToString()))
            .Concat(small.Facts.Events.Select(each => (BegunMs: each.AtMs, Text: each.ToString())))
            .Concat(small.Facts.Orders.Select(each => (BegunMs: each.AtMs, Text: each.ToString())))
            .ToList();
        if (lines.Count > 0)
        {
            var (from, to) = (lines.Min(line => line.BegunMs) - Around, lines.Max(line => line.BegunMs) + Around);
            lines.AddRange(evidence.Faults.Where(fault => fault.EndedMs >= from && fault.BegunMs <= to)
                .Select(fault => (fault.BegunMs, $"{fault}")));
        }

        var told = new StringBuilder().AppendLine(violation.ToString());
        if (violation.Reservation is null)
        {
            // What is about a SKU as such is about all that ever happened to it.
            return told.AppendLine($"    {small.Operations.Count} calls, {small.Facts.Events.Count} events").ToString();
        }

        foreach (var line in lines.OrderBy(line => line.BegunMs)) told.Append("    ").AppendLine(line.Text);
        foreach (var each in small.Facts.Payments) told.Append("    ").Append(each).AppendLine();
        foreach (var each in small.Facts.Refunds) told.Append("    ").Append(each).AppendLine();
        return told.ToString();
    }

    private static bool IsBroken(Evidence evidence, Violation violation) => Checker.Check(evidence).Any(
        found => found.Law == violation.Law && found.Reservation == violation.Reservation
            && found.Sku == violation.Sku);

    /// <summary>Only what is about the violation's reservation, or about its SKU.</summary>
    private static Evidence Project(Evidence evidence, Violation violation)
    {
        var facts = evidence.Facts;
        var named = evidence.Operations
            .Where(each => each.Reservation == violation.Reservation && each.Named is not null)
            .Select(each => each.Named!.Value).ToHashSet();
        bool IsOf(Guid id, IReadOnlyList<Stock.Line> lines) => violation.Reservation is { } one
            ? id == one || named.Contains(id)
            : violation.Sku is null || lines.Any(line => line.Sku == violation.Sku);

        var ids = facts.Events.Where(each => IsOf(each.Reservation, each.Lines)).Select(each => each.Reservation)
            .Concat(evidence.Operations.Where(each => IsOf(each.Reservation, each.Lines))
                .Select(each => each.Reservation))
            .ToHashSet();
        return evidence with
        {
            Operations = [.. evidence.Operations.Where(each => ids.Contains(each.Reservation))],
            Facts = facts with
            {
                Stock = [.. facts.Stock.Where(each => violation.Sku is null || each.Sku == violation.Sku)],
                Events = [.. facts.Events.Where(each => ids.Contains(each.Reservation))],
                Rows = [.. facts.Rows.Where(each => ids.Contains(each.Reservation))],
                Holds = [.. facts.Holds.Where(each => ids.Contains(each.Reservation))],
                Orders = [.. facts.Orders.Where(each => ids.Contains(each.Reservation))],
                Movements = [.. facts.Movements.Where(each => violation.Sku is null || each.Sku == violation.Sku)],
                Payments = [.. facts.Payments.Where(each => ids.Contains(each.Reservation))],
                Refunds = [.. facts.Refunds.Where(each => ids.Contains(each.Reservation))],
                Complaints = [],
            },
        };
    }
}
