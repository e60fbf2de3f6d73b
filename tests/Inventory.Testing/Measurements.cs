using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Inventory.Testing;

/// <summary>What the instruments of one meter have measured, in one host.</summary>
public sealed class Measurements : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<double>> measured = new();

    /// <param name="host">The meters of the host; another host in this process has its own.</param>
    /// <param name="meter">The meter's name.</param>
    public Measurements(IMeterFactory host, string meter)
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            var isOurs = instrument.Meter.Scope == host && instrument.Meter.Name == meter;
            if (isOurs) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Record(instrument, value));
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Record(instrument, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Record(instrument, value));
        listener.Start();
    }

    /// <summary>All values of an instrument, oldest first; of a gauge, one for each call of this method.</summary>
    public IReadOnlyList<double> Of(string instrument)
    {
        listener.RecordObservableInstruments();
        return measured.TryGetValue(instrument, out var values) ? [.. values] : [];
    }

    public void Dispose() => listener.Dispose();

    private void Record(Instrument instrument, double value) =>
        measured.GetOrAdd(instrument.Name, _ => new()).Enqueue(value);
}
