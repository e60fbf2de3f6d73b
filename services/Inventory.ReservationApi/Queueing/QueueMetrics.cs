using System.Diagnostics.Metrics;

namespace Inventory.ReservationApi.Queueing;

/// <summary>What waiting takes.</summary>
internal sealed class QueueMetrics
{
    /// <summary>The meter's name.</summary>
    internal const string MeterName = "Inventory.WaitingQueue";

    private readonly Counter<long> queued;
    private readonly Counter<long> turnedAway;
    private readonly Counter<long> drained;
    private int waiting;
    private double oldestSeconds;

    /// <param name="meters">Makes the meter.</param>
    /// <param name="circuit">Whose state is shown.</param>
    public QueueMetrics(IMeterFactory meters, StockCircuit circuit)
    {
        var meter = meters.Create(MeterName);
        queued = meter.CreateCounter<long>("inventory.queue.queued", "{ticket}", "Tickets given by this instance.");
        turnedAway = meter.CreateCounter<long>(
            "inventory.queue.turned_away", "{request}", "Requests that got neither a decision nor a ticket.");
        drained = meter.CreateCounter<long>(
            "inventory.queue.drained", "{ticket}", "Tickets decided by this instance, by outcome.");
        meter.CreateObservableGauge(
            "inventory.queue.length", () => Volatile.Read(ref waiting), "{ticket}", "Tickets that wait.");
        meter.CreateObservableGauge(
            "inventory.queue.oldest_age", () => Volatile.Read(ref oldestSeconds), "s", "How long the first waits.");
        meter.CreateObservableGauge(
            "inventory.stock.circuit_open", () => circuit.IsOpen ? 1 : 0, "{state}", "1 while Redis is not asked.");
    }

    /// <summary>The queue was looked at.</summary>
    internal void Look(int length, TimeSpan oldest)
    {
        Volatile.Write(ref waiting, length);
        Volatile.Write(ref oldestSeconds, oldest.TotalSeconds);
    }

    /// <summary>Somebody got a ticket.</summary>
    internal void Queued() => queued.Add(1);

    /// <summary>Somebody got nothing.</summary>
    internal void TurnedAway() => turnedAway.Add(1);

    /// <summary>Some were decided.</summary>
    internal void Drained(string outcome, int count)
    {
        if (count > 0) drained.Add(count, new KeyValuePair<string, object?>("outcome", outcome));
    }
}
