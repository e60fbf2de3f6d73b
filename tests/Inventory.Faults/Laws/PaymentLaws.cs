using Inventory.Faults.History;

namespace Inventory.Faults.Laws;

/// <summary>Payments: an approved payment has either an order or a refund, never both.</summary>
public static class PaymentLaws
{
    /// <summary>Checks one reservation's payments.</summary>
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
                yield return one.Breaks(Law.NothingByItself, $"no webhook was sent for {stored}");
            }
        }

        foreach (var same in one.Payments.GroupBy(stored => stored.PaymentId))
        {
            foreach (var broken in Payment(one, same.Key, [.. same])) yield return broken;
        }

        foreach (var refund in one.Refunds.Where(back => one.Payments.All(each => each.PaymentId != back.PaymentId)))
        {
            yield return one.Breaks(Law.PaymentEndsOnce, $"refund without a payment: {refund}");
        }
    }

    private static IEnumerable<Violation> Payment(Case one, string payment, IReadOnlyList<PaymentFact> events)
    {
        var bought = one.Orders.Count(order => order.PaymentId == payment);
        var back = one.Refunds.Count(refund => refund.PaymentId == payment);
        // The payment of an unknown reservation waits 15 minutes before it is refunded.
        var unknown = one.Events.Count == 0 && one.Holds.Count == 0 && one.Orders.Count == 0;
        if (unknown && bought + back == 0 && events.All(each => each.Outcome is null)) yield break;

        var said = string.Join("; ", events);
        if (bought + back != 1)
        {
            yield return one.Breaks(
                Law.PaymentEndsOnce, $"{said}: has {bought} orders and {back} refunds");
        }

        foreach (var each in events)
        {
            var right = each.Outcome switch
            {
                "confirmed" or "revived" => bought == 1,
                "refund-required" => back == 1,
                // A second event of such a payment waits 15 minutes of its own.
                null => unknown,
                _ => false,
            };
            if (!right) yield return one.Breaks(Law.PaymentEndsOnce, $"{each}, but the payment has {bought} orders");
        }

        foreach (var told in one.Operations.Where(
            call => call is { Act: Act.Pay, Heard: Heard.Done, State: not "accepted" } && call.Payment == payment))
        {
            if (events.All(each => each.EventId != told.Key || each.Outcome == told.State)) continue;
            yield return one.Breaks(Law.Kept, $"{told}, but stored is {said}");
        }
    }
}
