using Inventory.ReservationApi.Queue;
using Inventory.ServiceDefaults.Draining;
using Inventory.Stock;
using Inventory.Storage;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Availability;

/// <summary>
/// Shows stock live: one reader of the events per instance, whatever the number of listeners. It runs while there are
/// listeners.
/// </summary>
/// <remarks>
/// Events only say which SKUs have changed; listeners get a snapshot that is read after the event. The materializer
/// trims the stream whether or not this reader has read it, so a gap must be detected: then all SKUs with listeners are
/// read again.
/// </remarks>
internal sealed partial class LiveStock : BackgroundService
{
    // A page is read in some milliseconds. With more pages than these in one tick, reading each SKU with listeners is
    // cheaper than reading every event.
    private const int EventsPerPage = 1_000;
    private const int PagesPerTick = 5;

    // Bounds what Redis does for listeners: a reading takes it about 10 µs. The remaining SKUs are read in the next
    // tick.
    private const int ReadingsPerTick = 1_000;

    // Readings that are sent to Redis together. A reservation waits for this many at most.
    private const int ReadingsAtOnce = 100;

    private readonly EventStream events;
    private readonly LevelStore levels;
    private readonly StockCircuit circuit;
    private readonly LiveStockOptions settings;
    private readonly LiveStockMetrics metrics;
    private readonly TimeProvider time;
    private readonly ILogger<LiveStock> log;

    private readonly Lock gate = new();
    private readonly Dictionary<string, LiveTopic> topics = new(StringComparer.Ordinal);
    private readonly Dictionary<Partition, string> ends = [];
    private TaskCompletionSource demand = NewDemand();
    private int listeners;
    private long leftAt;
    private bool isUnavailable;
    private volatile bool hasEnded;
    private volatile bool isFollowing;
    private volatile int beat;

    public LiveStock(
        EventStream events, LevelStore levels, IOptions<LiveStockOptions> options, LiveStockMetrics metrics,
        TimeProvider time, StockCircuit circuit, InstanceDrain drain, ILogger<LiveStock> log)
    {
        (this.events, this.levels, settings) = (events, levels, options.Value);
        (this.metrics, this.time, this.log) = (metrics, time, log);
        this.circuit = circuit;
        // Streams end before the server waits for open requests: otherwise it would wait for its whole timeout.
        drain.StreamsEnd.Register(End);
    }

    /// <summary>Whether streams end now: this instance stops.</summary>
    internal bool HasEnded => hasEnded;

    /// <summary>Rises when listeners are to get a keep-alive.</summary>
    internal int Beat => beat;

    /// <summary>Whether events are being followed.</summary>
    internal bool IsFollowing => isFollowing;

    /// <summary>The number of listeners, and of SKUs with listeners.</summary>
    internal (int Listeners, int Skus) Load
    {
        get
        {
            lock (gate) return (listeners, topics.Count);
        }
    }

    /// <summary>Registers a listener until it is disposed; null when there are too many.</summary>
    internal Listener? TryJoin(string sku)
    {
        lock (gate)
        {
            if (listeners >= settings.MaxListeners)
            {
                metrics.Refused();
                return null;
            }

            listeners++;
            if (!topics.TryGetValue(sku, out var topic)) topics.Add(
                sku, topic = new(sku, events.PartitionOf(sku), levels, circuit, time));
            topic.Listeners++;
            demand.TrySetResult();
            metrics.Listening(1);
            return new(this, sku, topic);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await demand.Task.WaitAsync(stoppingToken);
            isFollowing = true;
            await FollowAsync(stoppingToken);
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        ends.Clear();
        var beatAt = time.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(1) / settings.UpdatesPerSecond, time);
        while (await tick.WaitForNextTickAsync(stop))
        {
            if (IsIdle()) return;
            var isBeat = time.GetElapsedTime(beatAt) >= settings.Heartbeat - tick.Period;
            if (isBeat) beatAt = time.GetTimestamp();
            await PassAsync(isBeat);
        }
    }

    /// <summary>Reads what has changed, and wakes the listeners.</summary>
    internal async Task PassAsync(bool isBeat)
    {
        LiveTopic[] all;
        lock (gate) all = [.. topics.Values];
        try
        {
            // The position in a partition without listeners is dropped; the next listener starts at its end.
            var partitions = all.Select(topic => topic.Partition).ToHashSet();
            foreach (var partition in ends.Keys.Except(partitions).ToList()) ends.Remove(partition);
            foreach (var partition in partitions) await FindTouchedAsync(partition, all);
            await ReadTouchedAsync(all);
            if (isUnavailable) Back();
            isUnavailable = false;
        }
        catch (StoreException e)
        {
            foreach (var topic in all) topic.MarkUnavailable();
            if (!isUnavailable) CannotShow(e.Message);
            isUnavailable = true;
        }

        if (isBeat) beat++;
        foreach (var topic in all) topic.Pulse(always: isBeat);
    }

    private async Task FindTouchedAsync(Partition partition, LiveTopic[] all)
    {
        for (var page = 0; page < PagesPerTick && ends.TryGetValue(partition, out var end); page++)
        {
            var tail = await circuit.CallAsync(() => events.ReadTailAsync(partition, end, EventsPerPage));
            if (tail.HasGap) break;
            ends[partition] = tail.End;
            lock (gate)
            {
                foreach (var sku in tail.Skus)
                {
                    if (topics.TryGetValue(sku, out var topic)) topic.IsTouched = true;
                }
            }

            if (!tail.HasMore) return;
        }

        // The end first: an event between it and the readings is seen again, and not missed.
        if (ends.ContainsKey(partition)) metrics.Gap();
        ends[partition] = await circuit.CallAsync(() => events.ReadEndAsync(partition));
        foreach (var topic in all.Where(topic => topic.Partition == partition)) topic.IsTouched = true;
    }

    private async Task ReadTouchedAsync(LiveTopic[] all)
    {
        var touched = all.Where(topic => topic.IsTouched || topic.Latest.Frame == LiveFrame.Unavailable
            || topic.Age >= settings.RefreshInterval).ToArray();
        // The longest unread first, so that each is read.
        if (touched.Length > ReadingsPerTick) touched = [.. touched.OrderByDescending(topic => topic.Age)];
        foreach (var together in touched.Take(ReadingsPerTick).Chunk(ReadingsAtOnce))
        {
            foreach (var topic in together) topic.IsTouched = false;
            await Task.WhenAll(together.Select(topic => topic.ReadAsync()));
        }
    }

    private bool IsIdle()
    {
        lock (gate)
        {
            if (listeners > 0 || time.GetElapsedTime(leftAt) < settings.Linger) return false;
            demand = NewDemand();
            isFollowing = false;
            return true;
        }
    }

    private void Leave(string sku, LiveTopic topic)
    {
        lock (gate)
        {
            listeners--;
            if (--topic.Listeners == 0) topics.Remove(sku);
            if (listeners == 0) leftAt = time.GetTimestamp();
            metrics.Listening(-1);
        }
    }

    private void End()
    {
        hasEnded = true;
        lock (gate)
        {
            foreach (var topic in topics.Values) topic.Pulse(always: true);
        }
    }

    private static TaskCompletionSource NewDemand() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>One listener's registration.</summary>
    internal sealed class Listener(LiveStock live, string sku, LiveTopic topic) : IDisposable
    {
        private int left;

        /// <summary>What it listens to.</summary>
        internal LiveTopic Topic => topic;

        /// <summary>Ends the registration; a second call changes nothing.</summary>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0) live.Leave(sku, topic);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Stock can't be shown live at the moment: {Reason}")]
    private partial void CannotShow(string reason);

    [LoggerMessage(2, LogLevel.Information, "Stock is shown live again.")]
    private partial void Back();
}
