using System.Diagnostics;

namespace Inventory.Ledger;

/// <summary>The span of a transaction that many requests share.</summary>
internal static class ConfirmSpan
{
    /// <summary>Maximum number of links of one activity: OpenTelemetry's default limit.</summary>
    private const int MaxLinks = 128;

    private static readonly ActivitySource Activities = new("Inventory.Ledger");

    /// <summary>
    /// Starts a span in the first recorded trace of the batch, with links to the traces of the other requests.
    /// </summary>
    /// <returns>Null if no trace is recorded.</returns>
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
