using System.Diagnostics.Metrics;

namespace Inventory.ReservationApi.Queue;

/// <summary>Metrics of the waiting queue and of the circuit.</summary>
internal sealed class QueueMetrics
{
    /// <summary>The meter's name.</summary>
    internal const string MeterName = "Inventory.WaitingQueue";

    private readonly Counter<long> queued;
    private readonly Counter<long> refused;
    private readonly Counter<long> drained;
    private int waiting;
    private double oldestSeconds;

    /// <param name="meters">Makes the meter.</param>
    /// <param name="circuit">The circuit that is measured.</param>
    public QueueMetrics(IMeterFactory meters, StockCircuit circuit)
    {
        var meter = meters.Create(MeterName);
        queued = meter.CreateCounter<long>("inventory.queue.queued", "{ticket}", "Tickets issued by this instance.");
        refused = meter.CreateCounter<long>(
            "inventory.queue.turned_away", "{request}", "Requests that got neither a decision nor a ticket.");
        drained = meter.CreateCounter<long>(
            "inventory.queue.drained", "{ticket}", "Tickets decided by this instance, by outcome.");
        meter.CreateObservableGauge(
            "inventory.queue.length", () => Volatile.Read(ref waiting), "{ticket}", "Waiting tickets.");
        meter.CreateObservableGauge(
            "inventory.queue.oldest_age", () => Volatile.Read(ref oldestSeconds), "s", "Age of the oldest ticket.");
        meter.CreateObservableGauge(
            "inventory.stock.circuit_open", () => circuit.IsOpen ? 1 : 0, "{state}", "1 while the circuit is open.");
    }

    /// <summary>Records the state of the queue.</summary>
    internal void Look(int length, TimeSpan oldest)
    {
        Volatile.Write(ref waiting, length);
        Volatile.Write(ref oldestSeconds, oldest.TotalSeconds);
    }

    /// <summary>Counts a ticket.</summary>
    internal void Queued() => queued.Add(1);

    /// <summary>Counts a request that got neither a decision nor a ticket.</summary>
    internal void Refused() => refused.Add(1);

    /// <summary>Counts decided tickets.</summary>
    internal void Drained(string outcome, int count)
    {
        if (count > 0) drained.Add(count, new KeyValuePair<string, object?>("outcome", outcome));
    }
}
