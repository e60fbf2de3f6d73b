using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Inventory.ReconciliationWorker.Retention;

/// <summary>Metrics of the deletion of old rows, each with the table.</summary>
public sealed class RetentionMetrics
{
    private readonly Counter<long> deleted;
    private readonly Counter<long> archived;
    private readonly ConcurrentDictionary<string, DateTimeOffset> oldest = new();

    /// <param name="meters">Makes the meter.</param>
    /// <param name="time">Measures ages.</param>
    public RetentionMetrics(IMeterFactory meters, TimeProvider time)
    {
        var meter = meters.Create(ReconciliationMetrics.MeterName);
        deleted = meter.CreateCounter<long>("inventory.retention.deleted", "{row}", "Old rows deleted.");
        archived = meter.CreateCounter<long>("inventory.retention.archived", "{row}", "Old rows written to files.");
        meter.CreateObservableGauge(
            "inventory.retention.oldest",
            () => oldest.Select(one => new Measurement<double>(
                (time.GetUtcNow() - one.Value).TotalSeconds, Of(one.Key))),
            "s",
            "Time since the oldest row ended that is still there. Only an instance that deletes reports it.");
    }

    /// <summary>Counts deleted rows.</summary>
    public void Deleted(string table, int rows) => deleted.Add(rows, Of(table));

    /// <summary>Counts archived rows.</summary>
    public void Archived(string table, int rows) => archived.Add(rows, Of(table));

    /// <summary>Sets when the oldest row ended; null for a table without one.</summary>
    public void Oldest(string table, DateTimeOffset? ended)
    {
        if (ended is { } at) oldest[table] = at;
        else oldest.TryRemove(table, out _);
    }

    /// <summary>Stops reporting ages, because another instance deletes.</summary>
    public void Left() => oldest.Clear();

    private static KeyValuePair<string, object?> Of(string table) => new("inventory.table", table);
}
