using System.Diagnostics.Metrics;

namespace Inventory.ReservationApi.Products;

/// <summary>Hits and misses of the product cache: figures of this instance since its start.</summary>
internal sealed class ProductCacheMetrics
{
    /// <summary>The meter's name.</summary>
    internal const string MeterName = "Inventory.ProductCache";

    private readonly Counter<long> reads;
    private readonly Counter<long> forgotten;
    private long memoryHits, memoryMisses, redisHits, redisMisses, redisFailures, invalidations;

    /// <param name="meters">Makes the meter.</param>
    public ProductCacheMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        reads = meter.CreateCounter<long>(
            "inventory.product_cache.reads", "{read}", "Reads by layer (memory, redis) and outcome (hit, miss, away).");
        forgotten = meter.CreateCounter<long>(
            "inventory.product_cache.invalidations", "{product}", "Products removed because they were changed.");
    }

    /// <summary>Reads that memory could answer, and reads that it could not.</summary>
    internal (long Hits, long Misses) Memory =>
        (Interlocked.Read(ref memoryHits), Interlocked.Read(ref memoryMisses));

    /// <summary>Reads that Redis could answer, that it could not, and for which it was unavailable.</summary>
    internal (long Hits, long Misses, long Away) Redis => (
        Interlocked.Read(ref redisHits), Interlocked.Read(ref redisMisses), Interlocked.Read(ref redisFailures));

    /// <summary>Products removed because they were changed.</summary>
    internal long Invalidations => Interlocked.Read(ref invalidations);

    internal void MemoryHit() => Count(ref memoryHits, "memory", "hit");

    internal void MemoryMiss() => Count(ref memoryMisses, "memory", "miss");

    internal void RedisHit() => Count(ref redisHits, "redis", "hit");

    internal void RedisMiss() => Count(ref redisMisses, "redis", "miss");

    internal void RedisUnavailable() => Count(ref redisFailures, "redis", "away");

    internal void Invalidated()
    {
        Interlocked.Increment(ref invalidations);
        forgotten.Add(1);
    }

    private void Count(ref long figure, string layer, string outcome)
    {
        Interlocked.Increment(ref figure);
        reads.Add(1, new("layer", layer), new("outcome", outcome));
    }
}
