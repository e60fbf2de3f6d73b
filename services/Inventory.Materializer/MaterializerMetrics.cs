using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Inventory.Materializer;

/// <summary>How far the rows are behind the stream, and what became of its events.</summary>
public sealed class MaterializerMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Inventory.Materializer";

    private readonly ConcurrentDictionary<int, (long Events, double Seconds)> lags = new();
    private readonly Counter<long> written;
    private readonly Counter<long> deadLetters;
    private readonly Counter<long> gaps;
    private readonly Counter<long> trimmed;
    private readonly Histogram<int> batchSize;

    /// <param name="meters">Makes the meter.</param>
    public MaterializerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge(
            "inventory.materializer.lag_events", ObserveEvents, "{event}", "Events that are not stored yet.");
        meter.CreateObservableGauge(
            "inventory.materializer.lag", ObserveSeconds, "s", "Age of the oldest event that is not stored yet.");
        batchSize = meter.CreateHistogram<int>(
            "inventory.materializer.batch_size", "{event}", "Events of one transaction.");
        written = meter.CreateCounter<long>("inventory.materializer.written", "{event}", "Events stored.");
        deadLetters = meter.CreateCounter<long>(
            "inventory.materializer.dead_letters", "{event}", "Events put aside because they can't be stored.");
        gaps = meter.CreateCounter<long>(
            "inventory.materializer.missing", "{event}", "Events that a reservation's numbering says are missing.");
        trimmed = meter.CreateCounter<long>(
            "inventory.materializer.trimmed", "{event}", "Stored events removed from the stream.");
    }

    /// <summary>One transaction was committed.</summary>
    /// <param name="events">Events in it.</param>
    /// <param name="dead">Those of them that went to the dead letters.</param>
    /// <param name="missing">Events that should have come before them and did not.</param>
    public void Stored(int events, int dead, int missing)
    {
        batchSize.Record(events);
        written.Add(events - dead);
        if (dead > 0) deadLetters.Add(dead);
        if (missing > 0) gaps.Add(missing);
    }

    /// <summary>Stored events were removed from the stream.</summary>
    public void Trimmed(long events) => trimmed.Add(events);

    /// <summary>How far one partition is behind.</summary>
    /// <param name="partition">Its index.</param>
    /// <param name="events">Events not stored yet.</param>
    /// <param name="age">Age of the oldest of them, by Redis' clock.</param>
    public void Behind(int partition, long events, TimeSpan age) => lags[partition] = (events, age.TotalSeconds);

    /// <summary>Another instance reads this partition now, and says how far it is.</summary>
    public void Left(int partition) => lags.TryRemove(partition, out _);

    private IEnumerable<Measurement<long>> ObserveEvents() =>
        lags.Select(lag => new Measurement<long>(lag.Value.Events, Tag(lag.Key)));

    private IEnumerable<Measurement<double>> ObserveSeconds() =>
        lags.Select(lag => new Measurement<double>(lag.Value.Seconds, Tag(lag.Key)));

    private static KeyValuePair<string, object?> Tag(int partition) => new("inventory.partition", partition);
}
