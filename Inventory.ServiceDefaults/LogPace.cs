namespace Inventory.ServiceDefaults;

/// <summary>
/// Limits how often a message is logged when clients can repeat its cause. The caller counts what comes in between.
/// Thread-safe.
/// </summary>
public sealed class LogPace(TimeProvider time, TimeSpan interval)
{
    private long last;

    /// <summary>Whether a line is due: true for the first call, and then for one call in each interval.</summary>
    public bool TryTake()
    {
        var now = time.GetTimestamp();
        var before = Volatile.Read(ref last);
        if (before != 0 && time.GetElapsedTime(before, now) < interval) return false;
        return Interlocked.CompareExchange(ref last, now, before) == before;
    }
}
