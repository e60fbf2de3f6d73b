using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Inventory.Materializer;

/// <summary>Metrics of the materializer: its lag, and the results of storing events.</summary>
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
            "inventory.materializer.dead_letters", "{event}", "Events that can't be stored and became dead letters.");
        gaps = meter.CreateCounter<long>(
            "inventory.materializer.missing", "{event}", "Events missing by their reservations' sequence numbers.");
        trimmed = meter.CreateCounter<long>(
            "inventory.materializer.trimmed", "{event}", "Stored events removed from the stream.");
    }

    /// <summary>Counts one committed transaction.</summary>
    /// <param name="events">The number of its events.</param>
    /// <param name="dead">How many of them became dead letters.</param>
    /// <param name="missing">How many earlier events are missing.</param>
    public void Stored(int events, int dead, int missing)
    {
        batchSize.Record(events);
        written.Add(events - dead);
        if (dead > 0) deadLetters.Add(dead);
        if (missing > 0) gaps.Add(missing);
    }

    /// <summary>Counts stored events that were removed from the stream.</summary>
    public void Trimmed(long events) => trimmed.Add(events);

    /// <summary>Sets the lag of one partition.</summary>
    /// <param name="partition">Its index.</param>
    /// <param name="events">The number of events that are not stored yet.</param>
    /// <param name="age">Age of the oldest of them, by Redis' clock.</param>
    public void Behind(int partition, long events, TimeSpan age) => lags[partition] = (events, age.TotalSeconds);

    /// <summary>Stops reporting a partition's lag, because another instance reads it now.</summary>
    public void Left(int partition) => lags.TryRemove(partition, out _);

    private IEnumerable<Measurement<long>> ObserveEvents() =>
        lags.Select(lag => new Measurement<long>(lag.Value.Events, Tag(lag.Key)));

    private IEnumerable<Measurement<double>> ObserveSeconds() =>
        lags.Select(lag => new Measurement<double>(lag.Value.Seconds, Tag(lag.Key)));

    private static KeyValuePair<string, object?> Tag(int partition) => new("inventory.partition", partition);
}
