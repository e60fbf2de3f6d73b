using System.Diagnostics.Metrics;

namespace Inventory.ReservationApi.Availability;

/// <summary>What showing stock live takes.</summary>
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
            "inventory.live.coalesced", "{frame}", "States that a listener was not sent, a later one having come.");
        refused = meter.CreateCounter<long>(
            "inventory.live.refused", "{listener}", "Listeners refused because there were too many.");
        gaps = meter.CreateCounter<long>(
            "inventory.live.gaps", "{gap}", "Times that events were missed, and all stock shown was read again.");
    }

    /// <summary>One came, or left (-1).</summary>
    internal void Listening(int change) => listeners.Add(change);

    /// <summary>One was sent a state, and spared others.</summary>
    internal void Sent(long spared)
    {
        frames.Add(1);
        if (spared > 0) coalesced.Add(spared);
    }

    /// <summary>One was refused.</summary>
    internal void Refused() => refused.Add(1);

    /// <summary>Events were missed.</summary>
    internal void Gap() => gaps.Add(1);
}
