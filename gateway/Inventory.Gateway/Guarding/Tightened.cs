using System.Collections.Frozen;

namespace Inventory.Gateway.Guarding;

/// <summary>What the guard tells apart, as <c>guard_watch.lua</c> spells it.</summary>
internal static class Who
{
    public static string Sku(string sku) => "sku:" + sku;

    public static string Session(string subject) => "session:" + subject;

    public static string Address(string address) => "address:" + address;

    /// <summary>The SKU's name, or null when it is somebody.</summary>
    public static string? SkuOf(string who) => who.StartsWith("sku:", StringComparison.Ordinal) ? who[4..] : null;
}

/// <summary>
/// What is tightened, as this gateway was last told. Each entry ends by itself, so that nothing stays shut because
/// Redis, or whoever wrote this, is gone.
/// </summary>
internal sealed class Tightened
{
    private const long WithoutEnd = long.MaxValue;

    private readonly FrozenDictionary<string, long> _skus;
    private readonly FrozenDictionary<string, long> _others;
    private readonly FrozenDictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> _skusBySpan;

    /// <summary>Takes over what Redis said.</summary>
    /// <param name="entries">Who, and until which timestamp of the process' clock.</param>
    /// <param name="switchedOn">SKUs that an operator has switched on, without an end.</param>
    public Tightened(IReadOnlyCollection<(string Who, long Until)> entries, IReadOnlyCollection<string> switchedOn)
    {
        var skus = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (who, until) in entries)
        {
            if (Who.SkuOf(who) is { } sku) skus[sku] = until;
        }

        foreach (var sku in switchedOn) skus[sku] = WithoutEnd;
        _skus = skus.ToFrozenDictionary(StringComparer.Ordinal);
        _skusBySpan = _skus.GetAlternateLookup<ReadOnlySpan<char>>();
        _others = entries.Where(entry => Who.SkuOf(entry.Who) is null)
            .ToFrozenDictionary(entry => entry.Who, entry => entry.Until, StringComparer.Ordinal);
    }

    public static Tightened Nothing { get; } = new([], []);

    /// <summary>The usual: then nobody looks any further.</summary>
    public bool IsEmpty => _skus.Count == 0 && _others.Count == 0;

    /// <summary>Whether it matters what a request asks for.</summary>
    public bool HasSkus => _skus.Count > 0;

    /// <summary>How many of each.</summary>
    public (int Skus, int Others) Count => (_skus.Count, _others.Count);

    /// <summary>Whether requests for this SKU are tightened.</summary>
    public bool HasSku(ReadOnlySpan<char> sku, long now) => _skusBySpan.TryGetValue(sku, out var until) && now < until;

    /// <summary>Whether this shopper's or address' requests are, whatever they ask for.</summary>
    public bool Has(string who, long now) => _others.TryGetValue(who, out var until) && now < until;
}

/// <summary>What every request looks at, and <see cref="GuardWatch"/> writes.</summary>
internal sealed class GuardMemory
{
    private Tightened _tightened = Tightened.Nothing;

    public Tightened Tightened
    {
        get => Volatile.Read(ref _tightened);
        set => Volatile.Write(ref _tightened, value);
    }
}
