using Microsoft.Extensions.Options;

namespace Inventory.ServiceDefaults.Overload;

/// <summary>
/// What may be shed, the first first. What has no priority is never shed: confirming, paying, extending, releasing and
/// operating.
/// </summary>
public enum Priority
{
    /// <summary>Looking at products, stock, reservations and tickets.</summary>
    Browsing,

    /// <summary>New reservations.</summary>
    Reserving,
}

/// <summary>
/// Lets so many requests in at once. The others wait, for a bounded time, and those who reserve are always next; who
/// has waited too long is shed.
/// </summary>
/// <remarks>
/// How long is too long depends on why there is a queue. In a rush it was empty a moment ago, and will be again: then
/// waiting is right. A queue that has not been empty for as long as a rush lasts is an overload: then waiting is only
/// delay, and most of it is left out (the idea of CoDel).
/// Absent: requests without priority. They are few, and limiting others by their number would let a slow PostgreSQL,
/// which they wait for, stop those who need only Redis.
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
    /// <param name="metrics">Told what was shed.</param>
    /// <param name="time">Measures how long anybody waits.</param>
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

    /// <summary>Requests of a priority that are carried out now.</summary>
    public int InFlight(Priority priority) => CountOf(Volatile.Read(ref taken), priority);

    /// <summary>Requests of a priority that wait.</summary>
    public int Waiting(Priority priority)
    {
        lock (gate) return LineOf(priority).Count;
    }

    /// <summary>Takes a place, or waits for one.</summary>
    /// <param name="priority">What the request does.</param>
    /// <returns>True with a place, which <see cref="Leave"/> gives back; false when the request is shed.</returns>
    public ValueTask<bool> EnterAsync(Priority priority) =>
        // Nobody overtakes who waits. When idle, this is two reads and one exchange.
        Volatile.Read(ref waiting) == 0 && TryTake(priority) ? new(true) : WaitAsync(priority);

    /// <summary>Gives a place back.</summary>
    /// <param name="priority">As it was taken.</param>
    public void Leave(Priority priority)
    {
        Interlocked.Add(ref taken, -UnitOf(priority));
        // After the place is free: who begins to wait says so first, and looks for a place then.
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

    /// <summary>Sheds who has waited too long, and gives free places to the next. The gate is held.</summary>
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
