using System.Diagnostics;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.Stock;

namespace Inventory.ReservationApi.Availability;

/// <summary>The latest frame of one SKU, which all its listeners read.</summary>
/// <remarks>
/// Readings of one SKU never overlap, so a later frame never shows an earlier state. A listener that joins or was woken
/// reads <see cref="Latest"/>; no frame is queued.
/// </remarks>
internal sealed class LiveTopic(
    string sku, Partition partition, LevelStore levels, StockCircuit circuit, TimeProvider time)
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
    internal Partition Partition => partition;

    /// <summary>Its listeners. Only <see cref="LiveStock"/> changes it.</summary>
    internal int Listeners { get; set; }

    /// <summary>Whether an event reported a change that has not been read yet.</summary>
    internal bool IsTouched { get; set; }

    /// <summary>The latest state; without a frame before the first reading.</summary>
    internal Published Latest => Volatile.Read(ref latest);

    /// <summary>
    /// Completes with the next pulse. Take it before reading <see cref="Latest"/>, and no change is missed.
    /// </summary>
    internal Task NextPulse => Volatile.Read(ref pulse).Task;

    /// <summary>The time since it was read.</summary>
    internal TimeSpan Age => time.GetElapsedTime(Volatile.Read(ref readAt));

    /// <summary>
    /// Reads the stock, beginning after this call. All callers that come while a reading is under way share the next
    /// one. An outage of Redis is a state like others; only a bug is an exception.
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

    /// <summary>Publishes that the stock can't be read.</summary>
    internal void MarkUnavailable() => Publish(LiveFrame.Unavailable);

    /// <summary>Wakes the listeners, if there is a frame that they have not been woken for.</summary>
    /// <param name="always">Also without a new frame.</param>
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
            var stock = await circuit.CallAsync(() => levels.SnapshotAsync(sku));
            frame = stock.Outcome switch
            {
                SnapshotOutcome.Found => LiveFrame.Of(stock),
                SnapshotOutcome.UnknownSku => LiveFrame.UnknownSku,
                SnapshotOutcome.Fenced => LiveFrame.Unavailable,
                _ => throw new UnreachableException($"Redis answered {stock.Outcome}, which no caller should see."),
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
