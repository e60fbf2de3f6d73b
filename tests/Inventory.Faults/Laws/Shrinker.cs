using System.Globalization;
using System.Text;
using Inventory.Contracts;
using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>Searches for the shortest history in which a law is still broken.</summary>
public static class Shrinker
{
    /// <summary>Faults within this time before or after the shown calls are shown with them.</summary>
    private const long Around = 5_000;

    /// <summary>Calls and events that the checks of one search may read in total; takes some seconds.</summary>
    private const long MostWork = 2_000_000;

    /// <summary>Of a longer history only the reservation's own entries are shown, to keep it readable.</summary>
    private const int MostLines = 40;

    /// <summary>Removes what the violation doesn't need: other reservations, then calls.</summary>
    /// <returns>Evidence in which the same law is broken for the same reservation or SKU.</returns>
    public static Evidence Shrink(Evidence evidence, Violation violation)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(violation);
        // A violation without reservation and SKU may depend on everything.
        if (violation.Reservation is null && violation.Sku is null) return evidence;
        var ids = Concerned(evidence, violation);
        var small = Project(evidence, violation, ids);
        if (violation.Reservation is null) return IsBroken(small, violation) ? small : evidence;
        if (!IsBroken(small, violation))
        {
            // The violation needs other reservations too.
            ids = [.. evidence.Operations.Select(each => each.Reservation)
                .Concat(evidence.Facts.Events.Select(each => each.Reservation))];
            small = Fewest([.. ids], left => Project(evidence, violation, [.. left]), violation);
        }

        return Fewest([.. small.Operations], left => small with { Operations = left }, violation);
    }

    /// <summary>The shortened history as text: calls, events and faults in the order of time.</summary>
    public static string Tell(Evidence evidence, Violation violation)
    {
        var (small, told) = (Shrink(evidence, violation), new StringBuilder().AppendLine(violation.ToString()));
        if (violation.Reservation is null)
        {
            // A violation of a SKU involves its whole history, so only the counts are shown.
            return told.AppendLine($"    {small.Operations.Count} calls, {small.Facts.Events.Count} events").ToString();
        }

        var shown = Size(small) > MostLines ? Project(small, violation, Concerned(small, violation)) : small;
        var lines = shown.Operations.Select(each => (each.BegunMs, Text: each.ToString()))
            .Concat(shown.Facts.Events.Select(each => (BegunMs: each.AtMs, Text: each.ToString())))
            .Concat(shown.Facts.Orders.Select(each => (BegunMs: each.AtMs, Text: each.ToString())))
            .ToList();
        if (lines.Count > 0)
        {
            var (from, to) = (lines.Min(line => line.BegunMs) - Around, lines.Max(line => line.BegunMs) + Around);
            lines.AddRange(evidence.Faults.Where(fault => fault.EndedMs >= from && fault.BegunMs <= to)
                .Select(fault => (fault.BegunMs, $"{fault}")));
        }

        foreach (var line in lines.OrderBy(line => line.BegunMs)) told.Append("    ").AppendLine(line.Text);
        foreach (var each in shown.Facts.Payments) told.Append("    ").Append(each).AppendLine();
        foreach (var each in shown.Facts.Refunds) told.Append("    ").Append(each).AppendLine();
        if (Size(small) - Size(shown) is > 0 and var others)
        {
            told.AppendLine(CultureInfo.InvariantCulture, $"    and {others} calls, events and orders of others");
        }

        return told.ToString();
    }

    private static int Size(Evidence evidence) =>
        evidence.Operations.Count + evidence.Facts.Events.Count + evidence.Facts.Orders.Count;

    private static bool IsBroken(Evidence evidence, Violation violation) => Checker.Check(evidence).Any(
        found => found.Law == violation.Law && found.Reservation == violation.Reservation
            && found.Sku == violation.Sku);

    /// <summary>
    /// Removes runs of parts, first half of them, at last single ones. After Zeller and Hildebrandt, Simplifying and
    /// Isolating Failure-Inducing Input (2002), without its tests of subsets.
    /// </summary>
    /// <returns>
    /// Evidence that still has the violation. Each remaining part was needed when its removal was tried, unless
    /// <see cref="MostWork"/> ended the search earlier.
    /// </returns>
    private static Evidence Fewest<T>(List<T> parts, Func<List<T>, Evidence> with, Violation violation)
    {
        var (least, work) = (with(parts), 0L);
        for (var length = Math.Max(parts.Count / 2, 1); length > 0; length /= 2)
        {
            // From the end, because later parts depend on earlier ones and seldom the other way round.
            for (var end = parts.Count; end > 0; end -= length)
            {
                if (work > MostWork) return least;
                var from = Math.Max(end - length, 0);
                List<T> fewer = [.. parts[..from], .. parts[end..]];
                var without = with(fewer);
                work += without.Operations.Count + without.Facts.Events.Count;
                if (IsBroken(without, violation)) (least, parts) = (without, fewer);
            }
        }

        return least;
    }

    /// <summary>The violation's reservation and those it names; without one, all with lines of its SKU.</summary>
    private static HashSet<Guid> Concerned(Evidence evidence, Violation violation)
    {
        if (violation.Reservation is { } one)
        {
            return [one, .. evidence.Operations.Where(each => each.Reservation == one)
                .Select(each => each.Named).OfType<Guid>()];
        }

        bool IsOf(IReadOnlyList<Line> lines) => lines.Any(line => line.Sku == violation.Sku);
        return
        [
            .. evidence.Facts.Events.Where(each => IsOf(each.Lines)).Select(each => each.Reservation),
            .. evidence.Operations.Where(each => IsOf(each.Lines)).Select(each => each.Reservation),
        ];
    }

    /// <summary>The evidence about these reservations and the violation's SKU.</summary>
    private static Evidence Project(Evidence evidence, Violation violation, HashSet<Guid> ids)
    {
        var facts = evidence.Facts;
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
                Complaints = [.. facts.Complaints.Where(
                    each => each.Reservation is { } about && ids.Contains(about))],
            },
        };
    }
}
