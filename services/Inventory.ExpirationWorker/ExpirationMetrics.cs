using System.Diagnostics.Metrics;

namespace Inventory.ExpirationWorker;

/// <summary>
/// What the worker gave back, and how late. Holds that a reader gave back first are not counted here: nobody waited for
/// them.
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
        expired = meter.CreateCounter<long>("inventory.holds.expired", "{hold}", "Holds given back by the worker.");
        lateness = meter.CreateHistogram<double>(
            "inventory.holds.expiry_lateness", "s", "From a hold's deadline until its units were back on sale.");
    }

    /// <summary>Counts one hold.</summary>
    /// <param name="late">Time between its deadline and now, by Redis' clock.</param>
    public void Expired(TimeSpan late)
    {
        expired.Add(1);
        lateness.Record(late.TotalSeconds);
    }
}
