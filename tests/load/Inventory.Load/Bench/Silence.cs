using System.Diagnostics;

namespace Inventory.Load.Bench;

/// <summary>The longest time between two moments of service.</summary>
internal sealed class Silence
{
    private readonly Lock gate = new();
    private long last = Stopwatch.GetTimestamp();
    private TimeSpan longest;

    /// <summary>The longest since <see cref="Begin"/>.</summary>
    public TimeSpan Longest
    {
        get
        {
            lock (gate) return longest;
        }
    }

    /// <summary>Forgets what was before.</summary>
    public void Begin()
    {
        lock (gate) longest = TimeSpan.Zero;
    }

    /// <summary>Somebody is served.</summary>
    public void End()
    {
        lock (gate)
        {
            var silence = Stopwatch.GetElapsedTime(last);
            if (silence > longest) longest = silence;
            last = Stopwatch.GetTimestamp();
        }
    }
}
