using System.Numerics;

namespace Inventory.Load;

/// <summary>
/// Counts latencies in buckets a thousandth wide, from 1 microsecond to more than two hours. Any number of threads
/// may add at once. Read the results only after all threads have finished.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBuckets = 1024;
    private const int Octaves = 24;

    private readonly long[] counts = new long[SubBuckets * Octaves];

    /// <summary>How many latencies were counted.</summary>
    public long Count => counts.Sum();

    /// <summary>Counts a latency.</summary>
    public void Add(TimeSpan latency) => Add((long)latency.TotalMicroseconds, 1);

    /// <summary>
    /// A histogram that adds the requests that a waiting connection would have sent meanwhile: a latency of n
    /// intervals counts n times, each an interval shorter. wrk corrects its figures in the same way.
    /// </summary>
    /// <param name="interval">Time between two requests of one connection, on average.</param>
    public LatencyHistogram Corrected(TimeSpan interval)
    {
        var corrected = new LatencyHistogram();
        var step = Math.Max(1, (long)interval.TotalMicroseconds);
        for (var i = 0; i < counts.Length; i++)
        {
            if (counts[i] == 0) continue;
            corrected.Add(ValueOf(i), counts[i]);
            for (var missed = ValueOf(i) - step; missed >= step; missed -= step) corrected.Add(missed, counts[i]);
        }
        return corrected;
    }

    /// <summary>The quantile in milliseconds; 0 when nothing was counted.</summary>
    /// <param name="share">The quantile: above 0, at most 1.</param>
    public double Milliseconds(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        for (var i = 0; i < counts.Length; i++)
        {
            rank -= counts[i];
            if (rank <= 0 && counts[i] > 0) return ValueOf(i) / 1000.0;
        }
        return 0;
    }

    private void Add(long microseconds, long times) => Interlocked.Add(
        ref counts[Math.Min(IndexOf(Math.Max(0, microseconds)), counts.Length - 1)], times);

    private static int IndexOf(long value)
    {
        if (value < 2 * SubBuckets) return (int)value;
        var shift = BitOperations.Log2((ulong)value) - BitOperations.Log2(SubBuckets);
        return (int)Math.Min(int.MaxValue, (shift * SubBuckets) + (value >> shift));
    }

    private static long ValueOf(int index)
    {
        if (index < 2 * SubBuckets) return index;
        var shift = (index / SubBuckets) - 1;
        return (long)(index - (shift * SubBuckets)) << shift;
    }
}
