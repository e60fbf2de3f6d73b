using Inventory.Contracts;
using Inventory.Faults.History;
using static Inventory.Faults.Laws.ReservationLaws;

namespace Inventory.Faults.Laws;

/// <summary>Checks answers against events: acknowledged effects are kept, refusals and reads were true.</summary>
public static class AnswerLaws
{
    /// <summary>Checks the answers about one reservation.</summary>
    /// <param name="one">The reservation.</param>
    /// <param name="cases">All reservations.</param>
    /// <param name="levels">Units available over time.</param>
    public static IEnumerable<Violation> Check(Case one, IReadOnlyDictionary<Guid, Case> cases, Levels levels)
    {
        ArgumentNullException.ThrowIfNull(one);
        var lost = one.MayBeLost;
        foreach (var each in one.Operations)
        {
            if (each.Status == 500) yield return one.Breaks(Law.ClearAnswers, $"a bug: {each}");
            var broken = each.Heard switch
            {
                Heard.Done when each.Act == Act.Look => lost ? null : WasSo(one, each),
                Heard.Done => Kept(one, each),
                Heard.Refused when each.Problem == "active-reservation-exists" => Named(one, each, cases),
                Heard.Refused when each.Act == Act.Reserve =>
                    one.Evidence.MayBeLost(each) ? null : WasShort(one, each, levels),
                Heard.Refused => lost ? null : WasRefusable(one, each),
                _ => null,
            };
            if (broken is not null) yield return broken;
        }

        foreach (var broken in Repeated(one)) yield return broken;
    }

    private static Violation? Kept(Case one, Operation told)
    {
        var found = told.Act switch
        {
            Act.Reserve => one.Events.Any(each => each.Type == "reserved" && each.AtMs <= told.EndedMs + SkewMs
                && (told.Status != 201 || told.DeadlineMs is not { } promised || Near(each.DeadlineMs, promised))),
            Act.Extend => one.Events.Any(each => each.Type == "extended" && each.AtMs <= told.EndedMs + SkewMs
                && Near(each.DeadlineMs, told.DeadlineMs ?? 0)),
            Act.Release => one.Events.Any(each => each.Type == "released" && each.AtMs <= told.EndedMs + SkewMs),
            // Orders are in PostgreSQL, which a wipe of Redis does not affect.
            Act.Confirm => one.Orders.Any(order => order.AtMs <= told.EndedMs + SkewMs),
            _ => true,
        };
        if (found || (told.Act != Act.Confirm && one.Evidence.MayBeLost(told))) return null;
        return one.Breaks(Law.Kept, $"acknowledged, and not found again: {told}");
    }

    private static bool Near(long one, long other) => Math.Abs(one - other) <= 1;

    /// <summary>Checks that the reason of a refused change was true at some moment of the call.</summary>
    private static Violation? WasRefusable(Case one, Operation told)
    {
        var isTrue = told.Problem switch
        {
            "hold-expired" => IsPast(one, told),
            "reservation-ended" or "payment-refunded" => Ended(one, told) || one.Orders.Count > 0,
            "hold-confirming" => one.Effective(Act.Confirm, Act.Pay).Any(call => call.BegunMs <= told.EndedMs),
            "reservation-not-found" => !one.Events.Any(each => each.AtMs < DecidedMs(one, told) - SkewMs)
                // A rebuild does not restore how reservations ended: docs/durability.md.
                || (Ended(one, told) && one.Evidence.WipedBetween(one.Operations[0], told)),
            "lifetime-capped" => one.Events.Count > 0,
            // A run never lowers a total by hand, so an order is always covered.
            _ => false,
        };
        return isTrue ? null : one.Breaks(Law.Truthful, $"was not true: {told}");
    }

    /// <summary>The earliest time of the decision; a replayed answer was decided by the first call.</summary>
    private static long DecidedMs(Case one, Operation told) => told.Replayed
        ? one.Operations.Where(each => each.Key == told.Key).Min(each => each.BegunMs)
        : told.BegunMs;

    private static bool Ended(Case one, Operation told) =>
        one.Events.Any(each =>
            each.Type is "released" or "confirmed" or "expired" && each.AtMs <= told.EndedMs + SkewMs);

    /// <summary>Whether the deadline had passed at some moment of the call.</summary>
    private static bool IsPast(Case one, Operation told)
    {
        var known = one.Events.LastOrDefault(each => each.AtMs <= told.EndedMs + SkewMs && each.Type != "expired");
        if (one.Events.Any(each => each.Type == "expired" && each.AtMs <= told.EndedMs + SkewMs)) return true;
        return known is not null && known.DeadlineMs <= told.EndedMs + SkewMs;
    }

    private static Violation? WasSo(Case one, Operation told)
    {
        if (told.State is "confirming" or "confirmed")
        {
            return one.Effective(Act.Confirm, Act.Pay).Any(call => call.BegunMs <= told.EndedMs)
                ? null
                : one.Breaks(Law.Truthful, $"no confirm or payment was sent: {told}");
        }

        // Each event that was the latest one at some moment of the call.
        for (var i = 0; i < one.Events.Count; i++)
        {
            var (each, until) = (one.Events[i], i + 1 < one.Events.Count ? one.Events[i + 1].AtMs : long.MaxValue);
            if (each.AtMs > told.EndedMs + SkewMs || until < told.BegunMs - SkewMs) continue;
            var isDue = each.DeadlineMs <= told.EndedMs + SkewMs;
            var status = StatusOf(each);
            if (status == told.State && (told.State != "pending" || Near(each.DeadlineMs, told.DeadlineMs ?? 0)))
            {
                return null;
            }

            if (status == "pending" && told.State == "expired" && isDue) return null;
        }

        return one.Breaks(Law.Truthful, $"was not true: {told}");
    }

    /// <summary>
    /// A refusal for lack of stock must show a line with too few units left, and not more units than the model has.
    /// Fewer units than in the model are allowed: a raised total reaches Redis a moment later, and a total lowered by
    /// an order may arrive before the hold is removed.
    /// </summary>
    private static Violation? WasShort(Case one, Operation told, Levels levels)
    {
        if (told.Problem != "insufficient-stock" || told.Replayed) return null;
        var said = told.Lines.ConvertLeft(told.Available);
        if (said.All(line => line.Left >= line.Asked))
        {
            return one.Breaks(Law.Truthful, $"enough units of all lines, according to the answer itself: {told}");
        }

        foreach (var (sku, _, left) in said)
        {
            var most = levels.Most(sku, told.BegunMs - SkewMs, told.EndedMs + SkewMs);
            if (left > most) return one.Breaks(Law.Truthful, $"{left} of {sku} left, at most {most} possible: {told}");
        }

        return null;
    }

    private static List<(string Sku, int Asked, int Left)> ConvertLeft(
        this IReadOnlyList<Line> lines, IReadOnlyDictionary<string, int>? available) =>
        [.. lines.Select(line => (line.Sku, line.Quantity, available?.GetValueOrDefault(line.Sku, int.MaxValue) ?? 0))];

    private static Violation? Named(Case one, Operation told, IReadOnlyDictionary<Guid, Case> cases)
    {
        if (told.Named is not { } id || !cases.TryGetValue(id, out var other))
        {
            return one.Breaks(Law.OwnHoldIsNamed, $"names an unknown reservation: {told}");
        }

        if (other.MayBeLost) return null;
        var isTheirs = other.Events.Count > 0 && other.Events[0].Holder == told.Holder
            && other.Events[0].AtMs <= told.EndedMs + SkewMs;
        var last = other.Events.LastOrDefault();
        var ended = last is { Type: "released" or "expired" or "confirmed" } && last.AtMs < told.BegunMs - SkewMs;
        return isTheirs && (!ended || told.Replayed)
            ? null
            : one.Breaks(Law.OwnHoldIsNamed, $"names {other.Id}, {string.Join("; ", other.Events)}: {told}");
    }

    /// <summary>
    /// An answer that is marked as a replay has the bytes of the answer to the call that had the effect. Calls without
    /// effect are not remembered, so their repetitions may be answered in another way.
    /// </summary>
    private static IEnumerable<Violation> Repeated(Case one)
    {
        var decided = one.Operations.Where(each => each.Key is not null && each.Body is not null
            && each.Act is Act.Reserve or Act.Extend or Act.Release
            && each.Heard == Heard.Done);
        foreach (var same in decided.GroupBy(each => (each.Act, each.Key)))
        {
            var first = same.OrderBy(each => each.EndedMs).First();
            foreach (var again in same)
            {
                if (!again.Replayed || again.Body == first.Body || one.Evidence.WipedBetween(first, again)) continue;
                yield return one.Breaks(
                    Law.OneKeyOneEffect, $"one key, two answers: {first.Body} and {again.Body}");
            }
        }
    }
}
