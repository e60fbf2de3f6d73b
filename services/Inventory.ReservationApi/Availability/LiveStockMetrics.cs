using System.Diagnostics.Metrics;

namespace Inventory.ReservationApi.Availability;

/// <summary>Metrics of live stock.</summary>
internal sealed class LiveStockMetrics
{
    /// <summary>The meter's name.</summary>
    internal const string MeterName = "Inventory.LiveStock";

    private readonly UpDownCounter<int> listeners;
    private readonly Counter<long> frames;
    private readonly Counter<long> coalesced;
    private readonly Counter<long> refused;
    private readonly Counter<long> gaps;

    /// <param name="meters">Makes the meter.</param>
    public LiveStockMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        listeners = meter.CreateUpDownCounter<int>(
            "inventory.live.listeners", "{listener}", "Open streams of this instance.");
        frames = meter.CreateCounter<long>("inventory.live.frames", "{frame}", "Changes sent to listeners.");
        coalesced = meter.CreateCounter<long>(
            "inventory.live.coalesced", "{frame}", "States that a listener did not get, because a later one came.");
        refused = meter.CreateCounter<long>(
            "inventory.live.refused", "{listener}", "Listeners refused because there were too many.");
        gaps = meter.CreateCounter<long>(
            "inventory.live.gaps", "{gap}", "Gaps in the events, after which all shown stock was read again.");
    }

    /// <summary>Counts a listener that came (1) or left (-1).</summary>
    internal void Listening(int change) => listeners.Add(change);

    /// <summary>Counts a state that was sent, and earlier states that were left out.</summary>
    internal void Sent(long spared)
    {
        frames.Add(1);
        if (spared > 0) coalesced.Add(spared);
    }

    /// <summary>Counts a refused listener.</summary>
    internal void Refused() => refused.Add(1);

    /// <summary>Counts a gap in the events.</summary>
    internal void Gap() => gaps.Add(1);
}
