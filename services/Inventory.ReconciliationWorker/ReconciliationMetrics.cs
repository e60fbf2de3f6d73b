using System.Diagnostics.Metrics;

namespace Inventory.ReconciliationWorker;

/// <summary>Metrics of change capture, sweeps and rebuilds.</summary>
public sealed class ReconciliationMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Inventory.Reconciliation";

    private readonly Histogram<double> lag;
    private readonly Counter<long> changes;
    private readonly Counter<long> sweeps;
    private readonly Histogram<double> rebuilds;
    private readonly Counter<double> fenced;
    private long behind;
    private int capturing;

    /// <param name="meters">Makes the meter.</param>
    public ReconciliationMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        lag = meter.CreateHistogram<double>(
            "inventory.capture.lag", "s", "Time from a change's commit in PostgreSQL until Redis has it.");
        changes = meter.CreateCounter<long>("inventory.capture.changes", "{sku}", "Changed SKUs written to Redis.");
        sweeps = meter.CreateCounter<long>("inventory.sweeps", "{sweep}", "Sweeps over all SKUs that were completed.");
        rebuilds = meter.CreateHistogram<double>(
            "inventory.rebuild.duration", "s", "Time from closing a partition's fence until opening it.");
        fenced = meter.CreateCounter<double>(
            "inventory.fenced.time", "s", "Time in which any partition was fenced, by this instance's view.");
        meter.CreateObservableGauge(
            "inventory.capture.behind",
            () => Capturing ? [new Measurement<long>(Volatile.Read(ref behind))] : Array.Empty<Measurement<long>>(),
            "By",
            "Size of PostgreSQL's unconfirmed log. Only the instance that captures reports it.");
        meter.CreateObservableGauge(
            "inventory.capture.active", () => Capturing ? 1 : 0, "{instance}", "1 on the instance that captures.");
    }

    private bool Capturing => Volatile.Read(ref capturing) == 1;

    /// <summary>Sets whether this instance captures.</summary>
    public void Captures(bool active) => Volatile.Write(ref capturing, active ? 1 : 0);

    /// <summary>Sets the lag of change capture.</summary>
    /// <param name="bytes">The size of PostgreSQL's log after the confirmed position.</param>
    public void Behind(long bytes) => Volatile.Write(ref behind, bytes);

    /// <summary>Counts SKUs written to Redis.</summary>
    public void Changed(int skus) => changes.Add(skus);

    /// <summary>Counts one transaction.</summary>
    /// <param name="late">The time from its commit until Redis had all of its changes.</param>
    public void Applied(TimeSpan late) => lag.Record(late.TotalSeconds);

    /// <summary>Counts one rebuild.</summary>
    public void Rebuilt(TimeSpan took) => rebuilds.Record(took.TotalSeconds);

    /// <summary>Counts the time in which a partition was fenced.</summary>
    public void WasFenced(TimeSpan took) => fenced.Add(took.TotalSeconds);

    /// <summary>Counts one sweep.</summary>
    public void Swept() => sweeps.Add(1);
}
