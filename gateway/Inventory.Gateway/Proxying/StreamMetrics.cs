using System.Diagnostics.Metrics;

namespace Inventory.Gateway.Proxying;

/// <summary>The streams that this gateway forwards.</summary>
internal sealed class StreamMetrics
{
    private readonly UpDownCounter<int> open;
    private readonly Counter<long> refused;

    public StreamMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Inventory.Gateway.Streams");
        open = meter.CreateUpDownCounter<int>("inventory.gateway.streams", "{stream}", "Streams that are open.");
        refused = meter.CreateCounter<long>(
            "inventory.gateway.streams.refused", "{stream}", "Streams refused: too many are open.");
    }

    public void Opened(int change) => open.Add(change);

    public void Refused() => refused.Add(1);
}
