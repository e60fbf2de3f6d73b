namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>One SKU's stock as it is now; holds whose deadline has passed are given back first.</summary>
    public async Task<StockSnapshot> SnapshotAsync(string sku)
    {
        var partition = Partition.Of(sku, settings.Partitions);
        StockSnapshot snapshot;
        // Ends for the reason that reserving does.
        do
        {
            snapshot = ReadSnapshot(sku, new Reply(await Script.Snapshot.RunAsync(
                guard,
                [partition.Epoch, partition.Events, partition.Due, partition.Stock(sku)],
                [Trace, EndedRetention, settings.ReclaimBatch, sku])));
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
