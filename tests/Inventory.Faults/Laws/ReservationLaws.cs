using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>Laws of a single reservation: its events, its order, and the calls that caused them.</summary>
public static class ReservationLaws
{
    /// <summary>Tolerance of comparisons: times are whole milliseconds, read by several processes.</summary>
    internal const long SkewMs = 2;

    /// <summary>Checks one reservation.</summary>
    public static IEnumerable<Violation> Check(Case one)
    {
        ArgumentNullException.ThrowIfNull(one);
        return [.. Numbers(one), .. Causes(one), .. Order(one), .. Stores(one)];
    }

    private static IEnumerable<Violation> Numbers(Case one)
    {
        for (var i = 0; i < one.Events.Count; i++)
        {
            var each = one.Events[i];
            if (each.Sequence != i + 1) yield return one.Breaks(Law.Gapless, $"event {i + 1} is missing, or twice");
            if (i > 0 && each.Place.CompareTo(one.Events[i - 1].Place) <= 0)
            {
                yield return one.Breaks(Law.Gapless, $"{each} comes before {one.Events[i - 1]}");
            }
        }

        if (one.Rows.Count > 1) yield return one.Breaks(Law.Gapless, $"has {one.Rows.Count} rows");
        if (one.Events.Count > 0 != one.Rows.Count > 0)
        {
            yield return one.Breaks(Law.Gapless, $"has {one.Events.Count} events and {one.Rows.Count} rows");
        }
        else if (one.Events.Count > 0 && StatusOf(one.Events[^1]) != one.Rows[0].Status)
        {
            yield return one.Breaks(Law.Gapless, $"is {one.Rows[0].Status} after {one.Events[^1]}");
        }
    }

    /// <summary>The status in <c>reservations</c> after an event.</summary>
    public static string StatusOf(EventFact last) =>
        last.Type is "released" or "expired" or "confirmed" ? last.Type : "pending";

    private static IEnumerable<Violation> Causes(Case one)
    {
        foreach (var each in one.Events)
        {
            Act[] acts = each.Type switch
            {
                "reserved" => [Act.Reserve],
                "extended" => [Act.Extend],
                "released" => [Act.Release],
                "confirmed" => [Act.Confirm, Act.Pay],
                "revived" => [Act.Pay],
                _ => [],
            };
            if (acts.Length == 0) continue;
            // A worker may finish a confirm or a payment after its call ended; the other changes end with their call.
            var later = each.Type is "confirmed" or "revived";
            var asked = one.Effective(acts).Where(call => call.BegunMs <= each.AtMs + SkewMs
                && (later || call.LastMs >= each.AtMs - SkewMs));
            if (!asked.Any()) yield return one.Breaks(Law.NothingByItself, $"no call asked for {each}");
        }

        if (one.Events.Count > 0
            && one.Effective(Act.Reserve).FirstOrDefault() is { } first
            && (Lined.Text(first.Lines) != Lined.Text(one.Events[0].Lines) || first.Holder != one.Events[0].Holder))
        {
            yield return one.Breaks(Law.Whole, $"requested as {first}, held as {one.Events[0]}");
        }

        var extensions = one.Events.Count(each => each.Type == "extended");
        var keys = one.Effective(Act.Extend).Select(call => call.Key).Distinct().Count();
        if (extensions > keys)
        {
            yield return one.Breaks(Law.OneKeyOneEffect, $"was extended {extensions} times by {keys} keys");
        }
    }

    private static IEnumerable<Violation> Order(Case one)
    {
        if (one.Orders.Count > 1) yield return one.Breaks(Law.EndsOnce, $"has {one.Orders.Count} orders");
        var last = one.Events.LastOrDefault();
        if (one.Orders.Count == 0)
        {
            if (last?.Type == "confirmed") yield return one.Breaks(Law.StoresAgree, $"no order for {last}");
            yield break;
        }

        var order = one.Orders[0];
        if (!one.Effective(Act.Confirm, Act.Pay).Any(call => call.BegunMs <= order.AtMs + SkewMs))
        {
            yield return one.Breaks(Law.NothingByItself, $"no call asked for {order}");
        }

        if (last is not null && Lined.Text(last.Lines) != Lined.Text(order.Lines))
        {
            yield return one.Breaks(Law.Whole, $"{last} became {order}");
        }

        // A wipe may lose the last events, such as the revival of an expired hold; a released one is never revived.
        var mayBeRevived = last?.Type == "expired" && one.MayBeLost
            && one.Payments.Any(paid => paid.Outcome == "revived");
        if (last?.Type is "released" or "expired" && !mayBeRevived)
        {
            yield return one.Breaks(Law.EndsOnce, $"{order}, and {last}");
        }
        else if (last?.Type != "confirmed" && !one.MayBeLost)
        {
            yield return one.Breaks(Law.Gapless, $"{order}, and its last event is {last}");
        }
    }

    private static IEnumerable<Violation> Stores(Case one)
    {
        if (one.Holds.Count > 1) yield return one.Breaks(Law.StoresAgree, "is held twice");
        var hold = one.Holds.FirstOrDefault();
        var row = one.Rows.FirstOrDefault(row => row.Status == "pending");
        if (hold is not null && one.Orders.Count > 0)
        {
            yield return one.Breaks(Law.EndsOnce, $"{one.Orders[0]}, and Redis holds {hold}");
        }
        else if (row is not null && hold is null && one.Orders.Count == 0)
        {
            yield return one.Breaks(Law.StoresAgree, $"PostgreSQL has {row}, and Redis holds nothing");
        }
        else if (hold is not null && (row is null || row with { Status = hold.Status, Lines = hold.Lines } != hold
            || Lined.Text(row.Lines) != Lined.Text(hold.Lines)))
        {
            yield return one.Breaks(Law.StoresAgree, $"Redis holds {hold}, and PostgreSQL has {row}");
        }
    }
}
