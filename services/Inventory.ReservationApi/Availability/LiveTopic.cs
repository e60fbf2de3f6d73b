using System.Diagnostics;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queueing;
using Inventory.Stock;

namespace Inventory.ReservationApi.Availability;

/// <summary>What listeners of one SKU look at: its latest frame, and nothing before it.</summary>
/// <remarks>
/// Readings of one SKU follow each other, so a later frame never shows an earlier state. Whoever joins or was woken
/// looks at <see cref="Latest"/>; nothing is queued for anybody.
/// </remarks>
internal sealed class LiveTopic(string sku, StockEngine engine, StockCircuit circuit, TimeProvider time)
{
    private readonly Lock gate = new();
    private Task reading = Task.CompletedTask;
    private Task? following;
    private TaskCompletionSource pulse = NewPulse();
    private Published latest = new(null, 0);
    private Published? told;
    private long readAt;

    /// <summary>A frame, and how many there were before it.</summary>
    internal sealed record Published(LiveFrame? Frame, long Number);

    /// <summary>Where its events are.</summary>
    internal Partition Partition { get; } = engine.PartitionOf(sku);

    /// <summary>Its listeners. Only <see cref="LiveStock"/> changes it.</summary>
    internal int Listeners { get; set; }

    /// <summary>Whether an event told of a change that has not been read yet.</summary>
    internal bool IsTouched { get; set; }

    /// <summary>The latest state; without a frame before the first reading.</summary>
    internal Published Latest => Volatile.Read(ref latest);

    /// <summary>
    /// Ends with the next pulse. Take it before looking at <see cref="Latest"/>, and no change is missed.
    /// </summary>
    internal Task NextPulse => Volatile.Read(ref pulse).Task;

    /// <summary>Since when it has not been read.</summary>
    internal TimeSpan Age => time.GetElapsedTime(Volatile.Read(ref readAt));

    /// <summary>
    /// Reads the stock, beginning after this call. Everyone who asks while a reading is on its way shares the next one.
    /// A Redis that is away is a state like others; only a bug is an exception.
    /// </summary>
    internal Task ReadAsync()
    {
        lock (gate)
        {
            if (following is not null) return following;
            if (reading.IsCompleted) return reading = ReadOnceAsync();
            return following = ReadAfterAsync(reading);
        }
    }

    /// <summary>Says that the stock can't be read.</summary>
    internal void MarkUnavailable() => Publish(LiveFrame.Unavailable);

    /// <summary>Wakes the listeners, if there is something that they have not been told of.</summary>
    /// <param name="always">Also when there is nothing.</param>
    internal void Pulse(bool always)
    {
        var now = Latest;
        if (!always && now == told) return;
        told = now;
        Interlocked.Exchange(ref pulse, NewPulse()).SetResult();
    }

    private async Task ReadAfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing);
        Task own;
        lock (gate)
        {
            following = null;
            own = reading = ReadOnceAsync();
        }

        await own;
    }

    private async Task ReadOnceAsync()
    {
        LiveFrame frame;
        try
        {
            var stock = await circuit.CallAsync(() => engine.SnapshotAsync(sku));
            frame = stock.Outcome switch
            {
                SnapshotOutcome.Found => LiveFrame.Of(stock),
                SnapshotOutcome.UnknownSku => LiveFrame.UnknownSku,
                SnapshotOutcome.Fenced => LiveFrame.Unavailable,
                _ => throw new UnreachableException($"The engine answered {stock.Outcome}, which it settles itself."),
            };
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            frame = LiveFrame.Unavailable;
        }

        Volatile.Write(ref readAt, time.GetTimestamp());
        Publish(frame);
    }

    private void Publish(LiveFrame frame)
    {
        lock (gate)
        {
            var isSame = latest.Frame is { } known && (ReferenceEquals(known, frame) || (known.Id ?? "") == frame.Id);
            if (!isSame) Volatile.Write(ref latest, new(frame, latest.Number + 1));
        }
    }

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
