using System.Text;
using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// One independent part of the keys, and the only type that builds keys. The braces put all keys of a partition into
/// one hash slot of Redis Cluster, so that one script may use them all. See <see cref="SkuText"/> for SKUs in keys.
/// </summary>
/// <param name="Index">0 to <see cref="StockOptions.Partitions"/> - 1.</param>
public readonly record struct Partition(int Index)
{
    private string Tag => $"{{inv:{Index}}}:";

    /// <summary>Exists while Redis' data is verified, for the run of the server that it names.</summary>
    public RedisKey Epoch => Tag + "epoch";

    /// <summary>Exists during a rebuild: its fencing token.</summary>
    public RedisKey Rebuild => Tag + "rebuild";

    /// <summary>The epoch of the previous run, until a rebuild changes holds.</summary>
    public RedisKey Former => Tag + "former";

    /// <summary>When the payments of an outage were last known to be settled.</summary>
    public RedisKey Heartbeat => Tag + "heartbeat";

    /// <summary>Exists while due holds wait for a heartbeat: the start of the wait.</summary>
    public RedisKey Waiting => Tag + "waiting";

    /// <summary>Every change, in order.</summary>
    public RedisKey Events => Tag + "events";

    /// <summary>SKUs, scored by a time that is never later than their earliest deadline.</summary>
    public RedisKey Due => Tag + "due";

    /// <summary>Confirming holds, scored by the end of their lease.</summary>
    public RedisKey Leases => Tag + "leases";

    /// <summary>Units that owners hold and have bought, by SKU.</summary>
    /// <param name="bucket">Three hexadecimal digits.</param>
    public RedisKey Units(string bucket) => Tag + "units:" + bucket;

    /// <summary>SKUs that are closed for a repair.</summary>
    public RedisKey Fences => Tag + "fences";

    /// <summary>
    /// The keys that the whole partition shares, except the epochs and the token of a rebuild, with their types.
    /// </summary>
    public IReadOnlyList<(RedisKey Key, RedisType Type)> Shared =>
    [
        (Events, RedisType.Stream), (Due, RedisType.SortedSet), (Leases, RedisType.SortedSet), (Fences, RedisType.Set),
        (Heartbeat, RedisType.String), (Waiting, RedisType.String),
    ];

    /// <summary>Holds with these two characters in the bucket's position of their ids.</summary>
    public RedisKey Holds(string bucket) => Tag + "holds:" + bucket;

    /// <summary>The counters of one SKU.</summary>
    public RedisKey Stock(string sku) => Tag + "stock:" + SkuText.Escape(sku);

    /// <summary>Pending holds of one SKU, scored by deadline: the first page of them.</summary>
    public RedisKey DueOf(string sku) => Tag + "due:" + SkuText.Escape(sku);

    /// <summary>The starts of the SKU's further pages, scored by themselves.</summary>
    public RedisKey PagesOf(string sku) => Tag + "pages:" + SkuText.Escape(sku);

    /// <summary>Pending holds with deadlines from the start up to the next page's start.</summary>
    public RedisKey PageOf(string sku, RedisValue start) => $"{Tag}page:{start}:{SkuText.Escape(sku)}";

    /// <summary>The bucket of a hold. Its name comes from random bits of the id, for any version of UUID.</summary>
    public RedisKey HoldsOf(string id) => $"{Tag}holds:{id.AsSpan(19, 2)}";

    /// <summary>Every possible bucket of holds.</summary>
    public IEnumerable<RedisKey> HoldBuckets()
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var tag = Tag;
        return from first in Alphabet from second in Alphabet select (RedisKey)$"{tag}holds:{first}{second}";
    }

    /// <summary>How a reservation ended.</summary>
    public RedisKey Ended(string id) => Tag + "ended:" + id;

    /// <summary>
    /// The answer for an idempotency key. A request without a key names a Redis key that is never written.
    /// </summary>
    public RedisKey Answer(Idempotency? idempotency) => Tag + "idem:" + idempotency?.Key;

    /// <summary>
    /// The partition of a SKU's stock: FNV-1a of its name, which is the same in every runtime and process.
    /// </summary>
    public static Partition Of(string sku, int partitions)
    {
        if (partitions == 1) return default;
        var hash = 2166136261u;
        foreach (var octet in Encoding.UTF8.GetBytes(sku)) hash = (hash ^ octet) * 16777619u;
        return new((int)(hash % (uint)partitions));
    }
}
