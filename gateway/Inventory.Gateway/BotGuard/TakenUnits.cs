using Inventory.Contracts;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.BotGuard;

/// <summary>Units taken of one SKU, or by one session or address, and their threshold.</summary>
internal readonly record struct Taken(string Who, long Units, int Threshold);

/// <summary>
/// Counts the units that are taken through this gateway, until <see cref="GuardWatch"/> reports them to Redis. Only
/// counts of a notable share of their threshold are reported: thousands of shoppers who take a unit each are not.
/// </summary>
/// <remarks>
/// A count below the share is dropped after once to twice <see cref="GuardOptions.Within"/>. A SKU that is sold evenly
/// through N gateways is therefore noticed up to N tenths of its threshold late, a shopper up to N quarters.
/// </remarks>
internal sealed class TakenUnits(IOptions<GuardOptions> options, TimeProvider time) : IDisposable
{
    // Some 60 MiB at worst. Beyond it, further shoppers are not counted until others are dropped; SKUs always are.
    private const int MostCounted = 200_000;

    private readonly GuardOptions guard = options.Value;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Notable> notable = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim tooMuch = new(0, 1);
    private Dictionary<string, long> few = new(StringComparer.Ordinal);
    private Dictionary<string, long> fewBefore = new(StringComparer.Ordinal);
    private Dictionary<string, int> crowd = new(StringComparer.Ordinal);
    private Dictionary<string, int> crowdBefore = new(StringComparer.Ordinal);
    private long began = time.GetTimestamp();

    /// <summary>Counts the units that an answer of the API reports as taken.</summary>
    /// <param name="units">In the form of <see cref="TakenUnitsText"/>.</param>
    /// <param name="subject">The shopper's session; null for callers who name their customers themselves.</param>
    /// <param name="address">The shopper's network address.</param>
    public void Add(ReadOnlySpan<char> units, string? subject, string? address)
    {
        long all = 0;
        foreach (var (sku, taken) in TakenUnitsText.Read(units))
        {
            all += taken;
            var ofCrowd = subject is null || guard.SessionUnits == 0 ? taken : OfCrowd(subject, taken);
            if (ofCrowd > 0) Add(GuardSubject.Sku(sku), ofCrowd, guard.Units, share: 10);
        }

        if (all == 0 || subject is null || address is null) return;
        Add(GuardSubject.Session(subject), all, guard.SessionUnits, share: 4);
        Add(GuardSubject.Address(address), all, guard.AddressUnits, share: 4);
    }

    /// <summary>Completes after a time, or at once when a count of this gateway alone reaches its threshold.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken stop) => this.tooMuch.WaitAsync(atMost, stop);

    /// <summary>Takes the counts to report since the last call.</summary>
    public List<Taken> Collect()
    {
        var collected = new List<Taken>();
        lock (gate)
        {
            if (time.GetElapsedTime(began) >= guard.Within)
            {
                (fewBefore, this.few) = (this.few, new(StringComparer.Ordinal));
                (crowdBefore, crowd) = (crowd, new(StringComparer.Ordinal));
                began = time.GetTimestamp();
            }

            foreach (var (who, notable) in this.notable)
            {
                if (notable.Units > 0) collected.Add(new(who, notable.Units, notable.Threshold));
                else if (time.GetElapsedTime(notable.At) > guard.Within) this.notable.Remove(who);
                notable.Units = 0;
            }
        }

        return collected;
    }

    public void Dispose() => this.tooMuch.Dispose();

    /// <summary>
    /// How many of a session's units count for the SKU. One shopper who fills a cart, and perhaps empties it again and
    /// again, must not make all others prove work: beyond what tightens a session, units count for the session only.
    /// </summary>
    private int OfCrowd(string subject, int taken)
    {
        lock (gate)
        {
            var counted = crowd.GetValueOrDefault(subject);
            var left = guard.SessionUnits - counted - crowdBefore.GetValueOrDefault(subject);
            var units = Math.Clamp(taken, 0, Math.Max(0, left));
            if (crowd.Count < MostCounted || crowd.ContainsKey(subject)) crowd[subject] = counted + units;
            return units;
        }
    }

    private void Add(string who, long units, int threshold, int share)
    {
        if (threshold == 0) return;
        bool tooMuch;
        lock (gate)
        {
            if (!this.notable.TryGetValue(who, out var notable))
            {
                var few = units + this.few.GetValueOrDefault(who);
                var sum = few + fewBefore.GetValueOrDefault(who);
                if (sum < Math.Max(1, threshold / share))
                {
                    var isCounted = this.few.Count < MostCounted || this.few.ContainsKey(who);
                    if (isCounted || GuardSubject.SkuOf(who) is not null) this.few[who] = few;

                    return;
                }

                this.few.Remove(who);
                fewBefore.Remove(who);
                this.notable.Add(who, notable = new() { Threshold = threshold });
                units = sum;
            }

            notable.Units += units;
            notable.At = time.GetTimestamp();
            tooMuch = notable.Units >= threshold && notable.Units - units < threshold;
        }

        if (tooMuch && this.tooMuch.CurrentCount == 0) TellNow();
    }

    private void TellNow()
    {
        try
        {
            this.tooMuch.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another request has released it in the meantime.
        }
    }

    /// <summary>Units that were not reported yet, and when the last were taken.</summary>
    private sealed class Notable
    {
        public required int Threshold { get; init; }

        public long Units { get; set; }

        public long At { get; set; }
    }
}
