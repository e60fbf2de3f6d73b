using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>Money: whatever was approved has bought something or is given back, and never both.</summary>
public static class PaymentLaws
{
    /// <summary>Looks at one reservation's payments.</summary>
    public static IEnumerable<Violation> Check(Case one)
    {
        ArgumentNullException.ThrowIfNull(one);
        foreach (var told in one.Operations.Where(each => each is { Act: Act.Pay, Heard: Heard.Done }))
        {
            if (one.Payments.All(stored => stored.EventId != told.Key))
            {
                yield return one.Breaks(Law.Kept, $"is not stored: {told}");
            }
        }

        foreach (var stored in one.Payments)
        {
            if (one.Effective(Act.Pay).All(told => told.Key != stored.EventId))
            {
                yield return one.Breaks(Law.NothingByItself, $"nobody told of {stored}");
            }
        }

        foreach (var same in one.Payments.GroupBy(stored => stored.PaymentId))
        {
            foreach (var broken in Payment(one, same.Key, [.. same])) yield return broken;
        }

        foreach (var refund in one.Refunds.Where(back => one.Payments.All(each => each.PaymentId != back.PaymentId)))
        {
            yield return one.Breaks(Law.PaymentEndsOnce, $"nobody paid what goes back: {refund}");
        }
    }

    private static IEnumerable<Violation> Payment(Case one, string payment, IReadOnlyList<PaymentFact> events)
    {
        var bought = one.Orders.Count(order => order.PaymentId == payment);
        var back = one.Refunds.Count(refund => refund.PaymentId == payment);
        // Nobody has heard of the reservation: the payment waits a quarter of an hour before it is given back.
        var unknown = one.Events.Count == 0 && one.Holds.Count == 0 && one.Orders.Count == 0;
        if (unknown && bought + back == 0 && events.All(each => each.Outcome is null)) yield break;

        var said = string.Join("; ", events);
        if (bought + back != 1)
        {
            yield return one.Breaks(
                Law.PaymentEndsOnce, $"{said}: bought {bought} orders and is given back {back} times");
        }

        foreach (var each in events)
        {
            var right = each.Outcome switch
            {
                "confirmed" or "revived" => bought == 1,
                "refund-required" => back == 1,
                // Told of once more, it waits its own quarter of an hour.
                null => unknown,
                _ => false,
            };
            if (!right) yield return one.Breaks(Law.PaymentEndsOnce, $"{each}, and there are {bought} orders of it");
        }

        foreach (var told in one.Operations.Where(
            call => call is { Act: Act.Pay, Heard: Heard.Done, State: not "accepted" } && call.Payment == payment))
        {
            if (events.All(each => each.EventId != told.Key || each.Outcome == told.State)) continue;
            yield return one.Breaks(Law.Kept, $"{told}, and now it is {said}");
        }
    }
}
