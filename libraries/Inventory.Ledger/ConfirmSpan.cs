using System.Diagnostics;

namespace Inventory.Ledger;

/// <summary>What a trace shows of a transaction that many requests share.</summary>
internal static class ConfirmSpan
{
    /// <summary>Links of one activity: what OpenTelemetry keeps unless told otherwise.</summary>
    private const int MaxLinks = 128;

    private static readonly ActivitySource Activities = new("Inventory.Ledger");

    /// <summary>
    /// Begins a span in the trace of the first request that somebody records, linked from there to those of the others.
    /// </summary>
    /// <returns>Null where nobody records.</returns>
    public static Activity? Start(IReadOnlyCollection<ConfirmMember> members)
    {
        var traces = members.Select(member => member.Trace)
            .Where(trace => trace != default).Take(MaxLinks + 1).ToList();
        if (traces.Count == 0) return null;
        var activity = Activities.StartActivity(
            ActivityKind.Internal, traces[0], links: traces.Skip(1).Select(trace => new ActivityLink(trace)),
            name: "confirm orders");
        activity?.SetTag("inventory.orders", members.Count);
        return activity;
    }
}
