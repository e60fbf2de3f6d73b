using System.Diagnostics.Metrics;

namespace Inventory.ExpirationWorker;

/// <summary>
/// Holds that the worker expired, and how late. Not counted: holds that another script call expired in passing, because
/// no caller saw them late.
/// </summary>
public sealed class ExpirationMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Inventory.Expiration";

    private readonly Counter<long> expired;
    private readonly Histogram<double> lateness;

    /// <param name="meters">Makes the meter.</param>
    public ExpirationMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        expired = meter.CreateCounter<long>("inventory.holds.expired", "{hold}", "Holds expired by the worker.");
        lateness = meter.CreateHistogram<double>(
            "inventory.holds.expiry_lateness", "s", "From a hold's deadline until its units were available again.");
    }

    /// <summary>Counts one hold.</summary>
    /// <param name="late">Time between its deadline and now, by Redis' clock.</param>
    public void Expired(TimeSpan late)
    {
        expired.Add(1);
        lateness.Record(late.TotalSeconds);
    }
}
