using System.Globalization;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>Places in a stream: milliseconds and a number.</summary>
internal static class StreamIds
{
    /// <summary>Below 0 when <paramref name="a"/> comes first. Nothing comes before everything.</summary>
    public static int Compare(string? a, string? b) => Read(a).CompareTo(Read(b));

    /// <summary>When an event was written, by Redis' clock.</summary>
    public static DateTimeOffset TimeOf(string id) => DateTimeOffset.FromUnixTimeMilliseconds((long)Read(id).Item1);

    private static (ulong, ulong) Read(string? id)
    {
        if (id is null) return default;
        var dash = id.IndexOf('-', StringComparison.Ordinal);
        return (
            ulong.Parse(id.AsSpan(0, dash), CultureInfo.InvariantCulture),
            ulong.Parse(id.AsSpan(dash + 1), CultureInfo.InvariantCulture));
    }
}
