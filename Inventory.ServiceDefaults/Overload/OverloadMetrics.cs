using System.Diagnostics.Metrics;

namespace Inventory.ServiceDefaults.Overload;

/// <summary>The requests that this instance has in flight, keeps waiting and sheds.</summary>
public sealed class OverloadMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Inventory.Overload";

    private static readonly Priority[] Priorities = Enum.GetValues<Priority>();

    private readonly Meter meter;
    private readonly Counter<long> shed;

    /// <param name="meters">Makes the meter.</param>
    public OverloadMetrics(IMeterFactory meters)
    {
        meter = meters.Create(MeterName);
        shed = meter.CreateCounter<long>("inventory.overload.shed", "{request}", "Requests shed, by priority.");
    }

    internal void Watch(LoadShedder shedder)
    {
        meter.CreateObservableGauge(
            "inventory.overload.in_flight", () => Measure(shedder.InFlight), "{request}",
            "Requests in flight that have a priority, by priority.");
        meter.CreateObservableGauge(
            "inventory.overload.waiting", () => Measure(shedder.Waiting), "{request}",
            "Requests waiting, by priority.");
    }

    internal void Shed(Priority priority) => shed.Add(1, Tag(priority));

    private static IEnumerable<Measurement<int>> Measure(Func<Priority, int> read) =>
        Priorities.Select(priority => new Measurement<int>(read(priority), Tag(priority)));

    private static KeyValuePair<string, object?> Tag(Priority priority) =>
        new("priority", priority == Priority.Browsing ? "browsing" : "reserving");
}
