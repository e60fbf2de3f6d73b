using System.Collections.Frozen;
using Inventory.Contracts;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// What is tightened, as this gateway last learned it from Redis. Each entry ends by itself, so that none outlives its
/// time when Redis is unavailable or <see cref="GuardWatch"/> has stopped.
/// </summary>
internal sealed class Tightened
{
    private const long WithoutEnd = long.MaxValue;

    private readonly FrozenDictionary<string, Entry> skus;
    private readonly FrozenDictionary<string, Entry> others;
    private readonly FrozenDictionary<string, Entry>.AlternateLookup<ReadOnlySpan<char>> skusBySpan;

    /// <summary>Makes the tables of Redis' reply.</summary>
    /// <param name="entries">What is tightened.</param>
    /// <param name="switchedOn">
    /// SKUs that an operator has switched on: without an end, and with the least pressure, because the guard doesn't
    /// watch them.
    /// </param>
    public Tightened(IReadOnlyCollection<Entry> entries, IReadOnlyCollection<string> switchedOn)
    {
        var skus = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (GuardSubject.SkuOf(entry.Who) is { } sku) skus[sku] = entry;
        }

        foreach (var sku in switchedOn) skus[sku] = new(GuardSubject.Sku(sku), WithoutEnd, 1);
        this.skus = skus.ToFrozenDictionary(StringComparer.Ordinal);
        skusBySpan = this.skus.GetAlternateLookup<ReadOnlySpan<char>>();
        others = entries.Where(entry => GuardSubject.SkuOf(entry.Who) is null)
            .ToFrozenDictionary(entry => entry.Who, StringComparer.Ordinal);
    }

    public static Tightened Nothing { get; } = new([], []);

    /// <summary>Whether nothing is tightened. This is the usual case, and requests are examined no further.</summary>
    public bool IsEmpty => skus.Count == 0 && others.Count == 0;

    /// <summary>Whether the SKUs of a request matter.</summary>
    public bool HasSkus => skus.Count > 0;

    /// <summary>How many SKUs, and how many sessions and addresses.</summary>
    public (int Skus, int Others) Count => (skus.Count, others.Count);

    /// <summary>The pressure on a SKU; 0 when it isn't tightened.</summary>
    public int PressureOnSku(ReadOnlySpan<char> sku, long now) =>
        skusBySpan.TryGetValue(sku, out var entry) ? entry.PressureAt(now) : 0;

    /// <summary>The pressure on all requests of a session and of its address; 0 when neither is tightened.</summary>
    public int PressureOnShopper(string subject, string address, long now) => Math.Max(
        others.TryGetValue(GuardSubject.Session(subject), out var session) ? session.PressureAt(now) : 0,
        others.TryGetValue(GuardSubject.Address(address), out var home) ? home.PressureAt(now) : 0);

    /// <summary>The greatest pressure on any SKU; 0 when none is tightened.</summary>
    public int PressureOnSkus(long now)
    {
        var most = 0;
        foreach (var entry in skus.Values) most = Math.Max(most, entry.PressureAt(now));
        return most;
    }

    /// <summary>Something that is tightened.</summary>
    /// <param name="Who">Its name, as <see cref="GuardSubject"/> makes it.</param>
    /// <param name="Until">The timestamp of the process' clock until which it is tightened.</param>
    /// <param name="Pressure">How strongly, from 1 to <see cref="Difficulty.MostPressure"/>.</param>
    public readonly record struct Entry(string Who, long Until, int Pressure)
    {
        /// <summary>The pressure, or 0 after the end.</summary>
        public int PressureAt(long now) => now < Until ? Pressure : 0;
    }
}

/// <summary>Shared state: every request reads it, and <see cref="GuardWatch"/> writes it.</summary>
internal sealed class GuardMemory
{
    private Tightened tightened = Tightened.Nothing;

    public Tightened Tightened
    {
        get => Volatile.Read(ref tightened);
        set => Volatile.Write(ref tightened, value);
    }
}
