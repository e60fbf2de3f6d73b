using Microsoft.Extensions.Options;

namespace Inventory.ServiceDefaults.Overload;

/// <summary>
/// Requests that may be shed, in this order. Requests without a priority are never shed: confirming, paying, extending,
/// releasing and operating.
/// </summary>
public enum Priority
{
    /// <summary>Reading products, stock, reservations and tickets.</summary>
    Browsing,

    /// <summary>New reservations.</summary>
    Reserving,
}

/// <summary>
/// Limits the requests in flight. Further requests wait for a bounded time, and requests that reserve are always next.
/// A request that has waited too long is shed.
/// </summary>
/// <remarks>
/// The longest wait depends on the queue. In a rush the queue was empty a moment ago, and will be again: then waiting
/// is right. A queue that has not been empty for as long as a rush lasts is an overload: then waiting only adds delay,
/// and most of it is left out (the idea of CoDel).
/// By design: requests without priority are neither limited nor counted. They are few, and if they were counted, a slow
/// PostgreSQL, which they wait for, would stop requests that need only Redis.
/// </remarks>
public sealed class LoadShedder : IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(20);

    private readonly OverloadOptions settings;
    private readonly TimeProvider time;
    private readonly ITimer beat;
    private readonly int most, mostBrowsing;
    private readonly Lock gate = new();
    private readonly WaitingLine browsing, reserving;
    private long taken;
    private int waiting;

    /// <param name="options">The limits.</param>
    /// <param name="metrics">Reads this shedder's counts.</param>
    /// <param name="time">Measures how long requests wait.</param>
    public LoadShedder(IOptions<OverloadOptions> options, OverloadMetrics metrics, TimeProvider time)
    {
        (settings, this.time) = (options.Value, time);
        most = settings.InFlightPerCore * Environment.ProcessorCount;
        mostBrowsing = Math.Max(1, (int)((long)most * settings.BrowsingPercent / 100));
        browsing = new(settings.BrowsingWait, settings.SteadyWait, time);
        reserving = new(settings.ReservingWait, settings.SteadyWait, time);
        beat = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        metrics.Watch(this);
    }

    /// <summary>Requests of a priority that are in flight.</summary>
    public int InFlight(Priority priority) => CountOf(Volatile.Read(ref taken), priority);

    /// <summary>Requests of a priority that wait.</summary>
    public int Waiting(Priority priority)
    {
        lock (gate) return LineOf(priority).Count;
    }

    /// <summary>Takes a place, or waits for one.</summary>
    /// <param name="priority">What the request does.</param>
    /// <returns>True with a place, which <see cref="Leave"/> frees; false when the request is shed.</returns>
    public ValueTask<bool> EnterAsync(Priority priority) =>
        // No request overtakes a waiting one. When idle, this is two reads and one exchange.
        Volatile.Read(ref waiting) == 0 && TryTake(priority) ? new(true) : WaitAsync(priority);

    /// <summary>Frees a place.</summary>
    /// <param name="priority">The priority that the place was taken for.</param>
    public void Leave(Priority priority)
    {
        Interlocked.Add(ref taken, -UnitOf(priority));
        // Read after the place is free: a request that begins to wait is counted first, and looks for a place then.
        if (Volatile.Read(ref waiting) != 0) Look();
    }

    /// <inheritdoc/>
    public void Dispose() => beat.Dispose();

    private ValueTask<bool> WaitAsync(Priority priority)
    {
        lock (gate)
        {
            if (waiting >= settings.MaxWaiting)
            {
                if (priority == Priority.Browsing || browsing.Count == 0) return new(false);
                browsing.ShedFirst();
            }

            var place = LineOf(priority).Join();
            if (browsing.Count + reserving.Count == 1) beat.Change(Beat, Beat);
            Interlocked.Exchange(ref waiting, browsing.Count + reserving.Count);
            Admit();
            return new(place);
        }
    }

    private void Look()
    {
        lock (gate) Admit();
    }

    /// <summary>Sheds requests that waited too long, and gives free places to the next. The gate is held.</summary>
    private void Admit()
    {
        reserving.ShedLate();
        browsing.ShedLate();
        while (reserving.Count > 0 && TryTake(Priority.Reserving)) reserving.AdmitFirst();
        while (browsing.Count > 0 && TryTake(Priority.Browsing)) browsing.AdmitFirst();
        Volatile.Write(ref waiting, browsing.Count + reserving.Count);
        if (waiting == 0) beat.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private bool TryTake(Priority priority)
    {
        var now = Volatile.Read(ref taken);
        while (true)
        {
            var browse = CountOf(now, Priority.Browsing);
            if (browse + CountOf(now, Priority.Reserving) >= most) return false;
            if (priority == Priority.Browsing && browse >= mostBrowsing) return false;
            var before = Interlocked.CompareExchange(ref taken, now + UnitOf(priority), now);
            if (before == now) return true;
            now = before;
        }
    }

    private WaitingLine LineOf(Priority priority) => priority == Priority.Browsing ? browsing : reserving;

    // Both counts in one number, so that they are compared and changed in one step.
    private static long UnitOf(Priority priority) => priority == Priority.Browsing ? 1 : 1L << 32;

    private static int CountOf(long taken, Priority priority) =>
        priority == Priority.Browsing ? (int)taken : (int)(taken >> 32);
}
