using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Admission;

/// <summary>
/// Counts for this instance alone, with the same budgets, while Redis is away. N gateways then admit up to N times as
/// much, which is better than nobody, and better than everybody.
/// </summary>
/// <remarks>
/// Absent: all or none over a request's budgets. A request that the address refuses in the same instant as another
/// takes its last permit has cost the session one.
/// </remarks>
internal sealed class LocalLimiter(IOptions<RateLimitOptions> limits, TimeProvider time) : IDisposable
{
    private const int Segments = 10;
    private const int SharedSlots = 1_024;

    private Generation _generation = new(time.GetTimestamp());

    /// <summary>Charges a request.</summary>
    /// <param name="set">What it is charged to.</param>
    /// <param name="who">Who makes it.</param>
    /// <returns>Asks nobody about the session: it is what its cookie says, alive.</returns>
    public Verdict Take(BudgetSet set, Identities who)
    {
        while (true)
        {
            try
            {
                var generation = Current();
                generation.UsedAt = time.GetTimestamp();
                return Take(generation, set, who);
            }
            catch (ObjectDisposedException)
            {
                // Its time was over in this very moment; the next one has begun.
            }
        }
    }

    /// <summary>
    /// Forgets what nobody was charged to for the longest of its windows. Not sooner: a Redis that comes and goes must
    /// not be a new budget each time.
    /// </summary>
    public void ForgetUnused()
    {
        var generation = Volatile.Read(ref _generation);
        if (!generation.IsEmpty && time.GetElapsedTime(generation.UsedAt) > generation.LongestWindow) Forget();
    }

    public void Dispose() => Forget();

    private void Forget() => Interlocked.Exchange(ref _generation, new Generation(time.GetTimestamp())).Dispose();

    private static Verdict Take(Generation generation, BudgetSet set, Identities who)
    {
        Budget? tightest = null;
        var least = long.MaxValue;
        foreach (var budget in set.Budgets)
        {
            var left = generation.Of(budget).GetStatistics(generation.Key(budget, who))!.CurrentAvailablePermits - 1;
            if (left < least) (least, tightest) = (left, budget);
        }

        if (least >= 0)
        {
            foreach (var budget in set.Budgets)
            {
                // A sliding window gives nothing back when a lease is disposed of, so there is nothing to keep.
                using var lease = generation.Of(budget).AttemptAcquire(generation.Key(budget, who));
                if (!lease.IsAcquired) (least, tightest) = (-1, budget);
            }
        }

        // When the oldest requests will have left is the window's secret; its whole length is never too early.
        return new Verdict(
            least < 0 ? RateLimitOutcome.Refused : RateLimitOutcome.Admitted,
            who.Subject is null ? SessionState.None : SessionState.Alive,
            tightest,
            tightest is null ? 0 : Math.Max(0, least),
            tightest?.Window ?? TimeSpan.Zero,
            Shared: false);
    }

    /// <summary>
    /// A generation that is full lasts for the longest window at least, while further identities share budgets; then
    /// its successor begins with nothing. A flood of identities therefore costs memory once, and fairness for a while.
    /// </summary>
    private Generation Current()
    {
        var generation = Volatile.Read(ref _generation);
        if (generation.Identities < limits.Value.LocalIdentities) return generation;
        generation.IsFull = true;
        if (time.GetElapsedTime(generation.Began) > generation.LongestWindow) Forget();
        return generation;
    }

    /// <summary>What is counted until it is forgotten. Its limiters have timers, hence the disposal.</summary>
    private sealed class Generation(long began) : IDisposable
    {
        private readonly ConcurrentDictionary<Budget, PartitionedRateLimiter<string>> _limiters = new();
        private int _identities;
        private long _usedAt = began;
        private bool _isOver;

        public long Began { get; } = began;

        public int Identities => Volatile.Read(ref _identities);

        public bool IsFull { get; set; }

        public bool IsEmpty => _limiters.IsEmpty;

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }

        public TimeSpan LongestWindow => _limiters.Keys.Max(budget => budget.Window);

        public PartitionedRateLimiter<string> Of(Budget budget)
        {
            if (_limiters.TryGetValue(budget, out var known)) return known;
            lock (_limiters)
            {
                ObjectDisposedException.ThrowIf(_isOver, this);
                return _limiters.GetOrAdd(budget, Make);
            }
        }

        public void Dispose()
        {
            lock (_limiters)
            {
                _isOver = true;
                foreach (var limiter in _limiters.Values) limiter.Dispose();
            }
        }

        // string.GetHashCode has a random seed in each process: nobody can choose with whom they share.
        public string Key(Budget budget, Identities who)
        {
            var identity = who.Of(budget.Kind)!;
            return IsFull
                ? ((uint)identity.GetHashCode(StringComparison.Ordinal) % SharedSlots)
                    .ToString(CultureInfo.InvariantCulture)
                : identity;
        }

        private PartitionedRateLimiter<string> Make(Budget budget)
        {
            var options = new SlidingWindowRateLimiterOptions
            {
                PermitLimit = budget.Permits,
                Window = budget.Window,
                SegmentsPerWindow = Segments,
                QueueLimit = 0,
            };
            return PartitionedRateLimiter.Create<string, string>(identity =>
                RateLimitPartition.GetSlidingWindowLimiter(identity, _ =>
                {
                    Interlocked.Increment(ref _identities);
                    return options;
                }));
        }
    }
}
