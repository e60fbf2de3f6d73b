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

    private readonly FrozenDictionary<string, long> skus;
    private readonly FrozenDictionary<string, long> others;
    private readonly FrozenDictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> skusBySpan;

    /// <summary>Makes the tables of Redis' reply.</summary>
    /// <param name="entries">A name, and the timestamp of the process' clock until which it is tightened.</param>
    /// <param name="switchedOn">SKUs that an operator has switched on, without an end.</param>
    public Tightened(IReadOnlyCollection<(string Who, long Until)> entries, IReadOnlyCollection<string> switchedOn)
    {
        var skus = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (who, until) in entries)
        {
            if (GuardSubject.SkuOf(who) is { } sku) skus[sku] = until;
        }

        foreach (var sku in switchedOn) skus[sku] = WithoutEnd;
        this.skus = skus.ToFrozenDictionary(StringComparer.Ordinal);
        skusBySpan = this.skus.GetAlternateLookup<ReadOnlySpan<char>>();
        others = entries.Where(entry => GuardSubject.SkuOf(entry.Who) is null)
            .ToFrozenDictionary(entry => entry.Who, entry => entry.Until, StringComparer.Ordinal);
    }

    public static Tightened Nothing { get; } = new([], []);

    /// <summary>Whether nothing is tightened. This is the usual case, and requests are examined no further.</summary>
    public bool IsEmpty => skus.Count == 0 && others.Count == 0;

    /// <summary>Whether the SKUs of a request matter.</summary>
    public bool HasSkus => skus.Count > 0;

    /// <summary>How many SKUs, and how many sessions and addresses.</summary>
    public (int Skus, int Others) Count => (skus.Count, others.Count);

    /// <summary>Whether requests for this SKU are tightened.</summary>
    public bool HasSku(ReadOnlySpan<char> sku, long now) => skusBySpan.TryGetValue(sku, out var until) && now < until;

    /// <summary>Whether all requests of this session or address are tightened.</summary>
    public bool Has(string who, long now) => others.TryGetValue(who, out var until) && now < until;
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
