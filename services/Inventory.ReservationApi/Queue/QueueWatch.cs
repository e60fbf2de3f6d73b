using System.Collections.Concurrent;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Queue;

/// <summary>
/// Knows the SKUs with waiting tickets, so that no new request overtakes them. Each instance is notified of the first
/// ticket and follows the queue until it is empty; while it is empty, a request reads one flag.
/// </summary>
/// <remarks>
/// Places become visible in ascending order. So reading on from the last known place misses none, and a SKU has no
/// waiting ticket once the head of the queue has passed the SKU's last place. An instance notes its own places at once.
/// </remarks>
internal sealed class QueueWatch(
    WaitingQueue queue, StockCircuit circuit, IOptions<WaitingQueueOptions> options, QueueMetrics metrics,
    TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    /// <summary>How long a request waits for the last tickets of the queue before it joins the queue.</summary>
    private static readonly TimeSpan HandOver = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(1);

    private readonly WaitingQueueOptions settings = options.Value;
    private readonly ConcurrentDictionary<string, long> lastPlaces = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim reading = new(1);
    private readonly SemaphoreSlim arrivals = new(0, 1);
    private readonly Lock gate = new();
    private TaskCompletionSource pulse = NewPulse();
    private long known;
    private long head;
    private long movedAt;
    private long readAt;
    private volatile bool isBusy;

    /// <summary>Whether tickets wait, as far as this instance knows.</summary>
    internal bool IsBusy => isBusy;

    /// <summary>The first place that waits; beyond every place when none does.</summary>
    internal long Head => Volatile.Read(ref head);

    /// <summary>Completes when the queue has been read again.</summary>
    internal Task NextPulse => Volatile.Read(ref pulse).Task;

    /// <summary>Notes a place that this instance issued.</summary>
    internal void Note(IReadOnlyList<Line> lines, long place)
    {
        lock (gate)
        {
            foreach (var line in lines) Note(line.Sku, place);
            isBusy = true;
        }

        Wake();
    }

    /// <summary>
    /// Whether a request for these SKUs overtakes no ticket. While the last few tickets are being decided, the request
    /// waits for them; otherwise new requests could keep the queue from ever becoming empty.
    /// </summary>
    internal async ValueTask<bool> MayPassAsync(IReadOnlyList<Line> lines)
    {
        if (!isBusy || LastPlaceOf(lines) is not { } last) return true;
        var isEnding = last - Head < Math.Max(1, settings.DrainPerSecond / 4)
            && time.GetElapsedTime(Volatile.Read(ref movedAt)) < Stalled;
        if (!isEnding) return false;

        var began = time.GetTimestamp();
        while (!circuit.IsOpen && time.GetElapsedTime(began) < HandOver)
        {
            await NextPulse.WaitAsync(HandOver, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (LastPlaceOf(lines) is null) return true;
        }

        return false;
    }

    /// <summary>
    /// Reads the queue. While PostgreSQL is unavailable the known places stay, but no longer than a ticket may wait.
    /// </summary>
    internal async Task RefreshAsync(CancellationToken stop)
    {
        await reading.WaitAsync(stop);
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(RetryPause);
            Understand(await queue.ReadLoadAsync(known, patience.Token));
            Volatile.Write(ref readAt, time.GetTimestamp());
        }
        catch (Exception e) when (Failures.IsLedgerUnavailable(e, stop))
        {
            // No ticket waits longer than this, whatever PostgreSQL has stored.
            lock (gate)
            {
                if (isBusy && time.GetElapsedTime(Volatile.Read(ref readAt)) > settings.LongestWait) lastPlaces.Clear();
                isBusy = !lastPlaces.IsEmpty;
            }
        }
        finally
        {
            reading.Release();
        }

        Interlocked.Exchange(ref pulse, NewPulse()).TrySetResult();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(ListenAsync(stoppingToken), FollowAsync(stoppingToken));

    private async Task ListenAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await queue.ListenAsync(Wake, stop);
            }
            catch (Exception e) when (Failures.IsLedgerUnavailable(e, stop))
            {
                await Task.Delay(RetryPause, time, stop);
            }
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        while (true)
        {
            // Also without a notification: the connection that would deliver it may be broken.
            await arrivals.WaitAsync(isBusy ? Interval : RetryPause * 5, stop);
            await RefreshAsync(stop);
        }
    }

    private void Understand(QueueLoad load)
    {
        var first = load.Head ?? load.End + 1;
        lock (gate)
        {
            foreach (var (place, lines) in load.Arrivals)
            {
                foreach (var sku in Intent.SkusOf(lines)) Note(sku, place);
                known = Math.Max(known, place);
            }

            // A place beyond the end was issued after this reading, and stays.
            foreach (var (sku, last) in lastPlaces)
            {
                if (last < first) lastPlaces.TryRemove(new(sku, last));
            }

            isBusy = !lastPlaces.IsEmpty;
        }

        if (Interlocked.Exchange(ref head, first) != first) Volatile.Write(ref movedAt, time.GetTimestamp());
        metrics.Look(load.Waiting, load.OldestAge);
    }

    private void Note(string sku, long place) => lastPlaces.AddOrUpdate(
        sku, place, (_, before) => Math.Max(before, place));

    private long? LastPlaceOf(IReadOnlyList<Line> lines)
    {
        long? last = null;
        foreach (var line in lines)
        {
            if (lastPlaces.TryGetValue(line.Sku, out var place)) last = Math.Max(last ?? 0, place);
        }

        return last;
    }

    private void Wake()
    {
        try
        {
            arrivals.Release();
        }
        catch (SemaphoreFullException)
        {
            // A wake-up is pending already.
        }
    }

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
