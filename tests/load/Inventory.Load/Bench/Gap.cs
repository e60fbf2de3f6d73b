using System.Diagnostics;

namespace Inventory.Load.Bench;

/// <summary>Measures the longest outage: the time between two served requests.</summary>
internal sealed class Gap
{
    private readonly Lock gate = new();
    private long last = Stopwatch.GetTimestamp();
    private TimeSpan longest;

    /// <summary>The longest outage since <see cref="Begin"/>.</summary>
    public TimeSpan Longest
    {
        get
        {
            lock (gate) return longest;
        }
    }

    /// <summary>Discards earlier outages.</summary>
    public void Begin()
    {
        lock (gate) longest = TimeSpan.Zero;
    }

    /// <summary>Records that a request was served.</summary>
    public void End()
    {
        lock (gate)
        {
            var gap = Stopwatch.GetElapsedTime(last);
            if (gap > longest) longest = gap;
            last = Stopwatch.GetTimestamp();
        }
    }
}
