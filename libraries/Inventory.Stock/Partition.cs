using System.Text;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// One independent part of the keys, and the only place where keys are built. The braces put every key of a partition
/// in one slot of Redis Cluster, so that one script may touch them all.
/// </summary>
/// <param name="Index">0 to <see cref="StockOptions.Partitions"/> - 1.</param>
public readonly record struct Partition(int Index)
{
    private string Tag => $"{{inv:{Index}}}:";

    /// <summary>Present while Redis' data is trusted, in the run of the server that it names.</summary>
    public RedisKey Epoch => Tag + "epoch";

    /// <summary>Present while a rebuild goes on: its token.</summary>
    public RedisKey Rebuild => Tag + "rebuild";

    /// <summary>The epoch of the run before, until a rebuild changes holds.</summary>
    public RedisKey Former => Tag + "former";

    /// <summary>When the payments of an outage were last known to be worked off.</summary>
    public RedisKey Heartbeat => Tag + "heartbeat";

    /// <summary>Present while due holds wait for a heartbeat: since when.</summary>
    public RedisKey Waiting => Tag + "waiting";

    /// <summary>Every change, in order.</summary>
    public RedisKey Events => Tag + "events";

    /// <summary>SKUs, scored by a time that is never after their earliest deadline.</summary>
    public RedisKey Due => Tag + "due";

    /// <summary>Confirming holds, scored by the end of their lease.</summary>
    public RedisKey Leases => Tag + "leases";

    /// <summary>What some holders have of some SKUs.</summary>
    /// <param name="bucket">Three hexadecimal digits.</param>
    public RedisKey Units(string bucket) => Tag + "units:" + bucket;

    /// <summary>Held by whoever repairs a SKU.</summary>
    public RedisKey RepairOf(string sku) => Tag + "repair:" + sku;

    /// <summary>Holds whose ids have these two characters in the bucket's place.</summary>
    public RedisKey Holds(string bucket) => Tag + "holds:" + bucket;

    /// <summary>The counters of one SKU.</summary>
    public RedisKey Stock(string sku) => Tag + "stock:" + sku;

    /// <summary>Pending holds of one SKU, scored by deadline: the first page of them.</summary>
    public RedisKey DueOf(string sku) => Tag + "due:" + sku;

    /// <summary>Starts of the SKU's further pages, scored by themselves.</summary>
    public RedisKey PagesOf(string sku) => Tag + "pages:" + sku;

    /// <summary>Pending holds whose deadlines are not before the start, and before the next page's.</summary>
    public RedisKey PageOf(string sku, RedisValue start) => $"{Tag}page:{start}:{sku}";

    /// <summary>
    /// The bucket in which a hold lies. Its name comes from random bits of the id, whatever the UUID's version.
    /// </summary>
    public RedisKey HoldsOf(string id) => $"{Tag}holds:{id.AsSpan(19, 2)}";

    /// <summary>Every bucket of holds, whether or not it is there.</summary>
    public IEnumerable<RedisKey> HoldBuckets()
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var tag = Tag;
        return from first in Alphabet from second in Alphabet select (RedisKey)$"{tag}holds:{first}{second}";
    }

    /// <summary>How a reservation ended.</summary>
    public RedisKey Ended(string id) => Tag + "ended:" + id;

    /// <summary>
    /// What was answered to an idempotency key. A request without one names a key that is never written.
    /// </summary>
    public RedisKey Answer(Idempotency? idempotency) => Tag + "idem:" + idempotency?.Key;

    /// <summary>Where a SKU's stock lies: FNV-1a of its name, which no runtime or process changes.</summary>
    public static Partition Of(string sku, int partitions)
    {
        if (partitions == 1) return default;
        var hash = 2166136261u;
        foreach (var octet in Encoding.UTF8.GetBytes(sku)) hash = (hash ^ octet) * 16777619u;
        return new((int)(hash % (uint)partitions));
    }
}
