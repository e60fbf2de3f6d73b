using System.Diagnostics.Metrics;

namespace Inventory.ReconciliationWorker;

/// <summary>How closely Redis follows PostgreSQL.</summary>
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
            "inventory.capture.lag", "s", "From the commit of a change in PostgreSQL until Redis had it.");
        changes = meter.CreateCounter<long>("inventory.capture.changes", "{sku}", "Changed SKUs written to Redis.");
        sweeps = meter.CreateCounter<long>("inventory.sweeps", "{sweep}", "Sweeps over all SKUs that were completed.");
        rebuilds = meter.CreateHistogram<double>(
            "inventory.rebuild.duration", "s", "From closing a partition's fence until it sold again.");
        fenced = meter.CreateCounter<double>(
            "inventory.fenced.time", "s", "Time in which some partition sold nothing, as this instance saw it.");
        meter.CreateObservableGauge(
            "inventory.capture.behind",
            () => Capturing ? [new Measurement<long>(Volatile.Read(ref behind))] : Array.Empty<Measurement<long>>(),
            "By",
            "PostgreSQL's log that isn't confirmed yet. Only the instance that captures reports it.");
        meter.CreateObservableGauge(
            "inventory.capture.active", () => Capturing ? 1 : 0, "{instance}", "1 in the instance that captures.");
    }

    private bool Capturing => Volatile.Read(ref capturing) == 1;

    /// <summary>This instance captures from now on, or no longer.</summary>
    public void Captures(bool active) => Volatile.Write(ref capturing, active ? 1 : 0);

    /// <summary>Says how far behind this instance is.</summary>
    /// <param name="bytes">PostgreSQL's log after the position that is confirmed.</param>
    public void Behind(long bytes) => Volatile.Write(ref behind, bytes);

    /// <summary>Counts SKUs written to Redis.</summary>
    public void Changed(int skus) => changes.Add(skus);

    /// <summary>Counts one transaction.</summary>
    /// <param name="late">Time from its commit until Redis had all of it.</param>
    public void Applied(TimeSpan late) => lag.Record(late.TotalSeconds);

    /// <summary>Counts one rebuild.</summary>
    public void Rebuilt(TimeSpan took) => rebuilds.Record(took.TotalSeconds);

    /// <summary>Counts the time in which nothing was sold.</summary>
    public void WasFenced(TimeSpan took) => fenced.Add(took.TotalSeconds);

    /// <summary>Counts one sweep.</summary>
    public void Swept() => sweeps.Add(1);
}
