using static Inventory.Stock.PartitionedRedis;

using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>Stock levels of SKUs in Redis: set from the system of record, and read.</summary>
public sealed class LevelStore
{
    private readonly PartitionedRedis redis;

    internal LevelStore(PartitionedRedis redis) => this.redis = redis;

    /// <summary>
    /// Sets one SKU's level to that of the system of record, unless Redis has a newer version. Works while fenced.
    /// </summary>
    public async Task<SetStockOutcome> SetStockAsync(StockLevel stock)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stock.Total);
        var partition = redis.PartitionOf(stock.Sku);
        var result = await Script.SetStock.RunAsync(
            redis.Database,
            [partition.Events, partition.Stock(stock.Sku)],
            [Trace, Stored(stock.Sku), stock.Total, stock.Version, stock.MaxPerCustomer ?? 0, stock.Paused ? 1 : 0]);
        return (SetStockOutcome)new Reply(result).NextInt();
    }

    /// <summary>One SKU's current stock; due holds are expired first.</summary>
    public async Task<StockSnapshot> SnapshotAsync(string sku)
    {
        var partition = redis.PartitionOf(sku);
        StockSnapshot snapshot;
        // Terminates for the reason that <c>PartitionedRedis.ReserveCalls</c> gives.
        do
        {
            snapshot = ReadSnapshot(sku, new Reply(await Script.Snapshot.RunAsync(
                redis.Guard,
                [partition.Epoch, partition.Events, partition.Due, partition.Stock(sku)],
                [Trace, redis.EndedRetention, redis.Settings.ReclaimBatch, Stored(sku)])));
        }
        while (snapshot.Outcome == SnapshotOutcome.MoreDue);
        return snapshot;
    }

    private static StockSnapshot ReadSnapshot(string sku, Reply reply)
    {
        var snapshot = new StockSnapshot { Outcome = (SnapshotOutcome)reply.NextInt(), Sku = sku };
        if (!reply.HasMore) return snapshot;

        snapshot = snapshot with { At = reply.NextTime() };
        if (!reply.HasMore) return snapshot;

        return snapshot with
        {
            Total = reply.NextInt(),
            Reserved = reply.NextInt(),
            Version = reply.NextLong(),
            MaxPerCustomer = reply.NextInt() is var limit and > 0 ? limit : null,
            Paused = reply.NextInt() == 1,
            Holds = reply.NextInt(),
        };
    }
}
