using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.RateLimiting;

/// <summary>
/// Counts for this instance alone, with the same budgets, while Redis is unavailable. By design: N gateways then admit
/// up to N times as much, rather than nothing or everything.
/// </summary>
/// <remarks>
/// Not handled: a request's budgets are not charged in one step. When another request takes the address's last permit
/// in between, the refused request has still cost its session one.
/// </remarks>
internal sealed class LocalLimiter(IOptions<RateLimitOptions> limits, TimeProvider time) : IDisposable
{
    private const int Segments = 10;
    private const int SharedSlots = 1_024;

    private Generation generation = new(time.GetTimestamp());

    /// <summary>Charges a request.</summary>
    /// <param name="set">The budgets to charge.</param>
    /// <param name="who">The caller's identities.</param>
    /// <returns>The verdict; the session counts as alive, as its cookie says.</returns>
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
                // Another request replaced this generation; the next attempt uses the new one.
            }
        }
    }

    /// <summary>
    /// Discards the counters when no request was charged for the longest of their windows. Not sooner: a Redis that
    /// comes and goes must not grant a new budget each time.
    /// </summary>
    public void ForgetUnused()
    {
        var generation = Volatile.Read(ref this.generation);
        if (!generation.IsEmpty && time.GetElapsedTime(generation.UsedAt) > generation.LongestWindow) Forget();
    }

    public void Dispose() => Forget();

    private void Forget() => Interlocked.Exchange(ref this.generation, new Generation(time.GetTimestamp())).Dispose();

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
                // A sliding window returns no permits when a lease is disposed of, so the lease need not be kept.
                using var lease = generation.Of(budget).AttemptAcquire(generation.Key(budget, who));
                if (!lease.IsAcquired) (least, tightest) = (-1, budget);
            }
        }

        // The limiter doesn't say when its oldest requests leave the window; the window's whole length is safe.
        return new Verdict(
            least < 0 ? RateLimitOutcome.Refused : RateLimitOutcome.Admitted,
            who.Subject is null ? SessionState.None : SessionState.Alive,
            tightest,
            tightest is null ? 0 : Math.Max(0, least),
            tightest?.Window ?? TimeSpan.Zero,
            Shared: false);
    }

    /// <summary>
    /// A full generation lasts for at least the longest window, and further identities share budgets; then an empty
    /// one replaces it. So a flood of identities takes bounded memory, and makes budgets unfair only for a while.
    /// </summary>
    private Generation Current()
    {
        var generation = Volatile.Read(ref this.generation);
        if (generation.Identities < limits.Value.LocalIdentities) return generation;
        generation.IsFull = true;
        if (time.GetElapsedTime(generation.Began) > generation.LongestWindow) Forget();
        return generation;
    }

    /// <summary>The counters of one period. Their limiters have timers, and must be disposed of.</summary>
    private sealed class Generation(long began) : IDisposable
    {
        private readonly ConcurrentDictionary<Budget, PartitionedRateLimiter<string>> limiters = new();
        private int identities;
        private long usedAt = began;
        private bool isOver;

        public long Began { get; } = began;

        public int Identities => Volatile.Read(ref identities);

        public bool IsFull { get; set; }

        public bool IsEmpty => limiters.IsEmpty;

        public long UsedAt
        {
            get => Volatile.Read(ref usedAt);
            set => Volatile.Write(ref usedAt, value);
        }

        public TimeSpan LongestWindow => limiters.Keys.Max(budget => budget.Window);

        public PartitionedRateLimiter<string> Of(Budget budget)
        {
            if (limiters.TryGetValue(budget, out var known)) return known;
            lock (limiters)
            {
                ObjectDisposedException.ThrowIf(isOver, this);
                return limiters.GetOrAdd(budget, Make);
            }
        }

        public void Dispose()
        {
            lock (limiters)
            {
                isOver = true;
                foreach (var limiter in limiters.Values) limiter.Dispose();
            }
        }

        // string.GetHashCode has a random seed in each process, so a caller can't choose whom to share a budget with.
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
                    Interlocked.Increment(ref identities);
                    return options;
                }));
        }
    }
}
