using System.Diagnostics.Metrics;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Metrics of the audit.</summary>
public sealed class AuditMetrics
{
    private readonly Counter<long> skus;
    private readonly Counter<long> holds;
    private readonly Counter<long> found;
    private readonly Counter<long> repaired;
    private readonly Counter<long> undecided;
    private readonly Histogram<double> duration;
    private long completedAt;

    /// <param name="meters">Makes the meter.</param>
    /// <param name="time">Measures the age of the last cycle.</param>
    public AuditMetrics(IMeterFactory meters, TimeProvider time)
    {
        var meter = meters.Create(ReconciliationMetrics.MeterName);
        skus = meter.CreateCounter<long>("inventory.audit.skus", "{sku}", "SKUs compared.");
        holds = meter.CreateCounter<long>("inventory.audit.holds", "{hold}", "Holds compared.");
        found = meter.CreateCounter<long>("inventory.audit.drift", "{finding}", "New findings, by kind.");
        repaired = meter.CreateCounter<long>("inventory.audit.repairs", "{finding}", "Repairs, by kind of finding.");
        undecided = meter.CreateCounter<long>(
            "inventory.audit.undecided", "{item}", "Differences not proven yet: too fast, or waiting for events.");
        duration = meter.CreateHistogram<double>("inventory.audit.duration", "s", "Duration of one full cycle.");
        meter.CreateObservableGauge(
            "inventory.audit.age",
            () => Volatile.Read(ref completedAt) is var at and > 0
                ? [new Measurement<double>(time.GetElapsedTime(at).TotalSeconds)]
                : Array.Empty<Measurement<double>>(),
            "s",
            "Time since the last cycle over everything was completed. Only the instance that audits reports it.");
    }

    /// <summary>Counts compared SKUs and holds.</summary>
    public void Compared(int newSkus, int newHolds)
    {
        skus.Add(newSkus);
        holds.Add(newHolds);
    }

    /// <summary>Counts a new finding.</summary>
    public void Found(FindingKind kind) => found.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString()));

    /// <summary>Counts a repair.</summary>
    public void Repaired(FindingKind kind) =>
        repaired.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString()));

    /// <summary>Counts differences that may still be delays.</summary>
    public void Undecided(long items) => undecided.Add(items);

    /// <summary>Counts a cycle.</summary>
    /// <param name="took">How long it took.</param>
    /// <param name="at">The timestamp at its end.</param>
    public void Completed(TimeSpan took, long at)
    {
        duration.Record(took.TotalSeconds);
        Volatile.Write(ref completedAt, at);
    }

    /// <summary>Stops reporting the age, because another instance audits now.</summary>
    public void Left() => Volatile.Write(ref completedAt, 0);
}
