using StackExchange.Redis;

namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>
    /// Takes over what the system of record says of one SKU, unless Redis knows something newer. Works while fenced.
    /// </summary>
    public async Task<SetStockOutcome> SetStockAsync(StockTotal stock)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stock.Total);
        var partition = Partition.Of(stock.Sku, settings.Partitions);
        var result = await Script.SetStock.RunAsync(
            database,
            [partition.Events, partition.Stock(stock.Sku)],
            [Trace, stock.Sku, stock.Total, stock.Version, stock.MaxPerCustomer ?? 0, stock.Paused ? 1 : 0]);
        return (SetStockOutcome)new Reply(result).NextInt();
    }

    /// <summary>
    /// Lets every partition serve that is still fenced. Call it only when all stock has been loaded: from here on, what
    /// Redis has is sold.
    /// </summary>
    /// <returns>Whether any partition was fenced.</returns>
    public async Task<bool> LiftFenceAsync()
    {
        var lifted = false;
        foreach (var partition in Partitions)
        {
            lifted |= await database.StringSetAsync(
                partition.Epoch,
                Guid.NewGuid().ToString("N"),
                when: When.NotExists);
        }

        return lifted;
    }

    /// <summary>Whether some partition refuses to sell because its data has not been checked.</summary>
    public async Task<bool> IsFencedAsync()
    {
        foreach (var partition in Partitions)
        {
            if (!await database.KeyExistsAsync(partition.Epoch)) return true;
        }

        return false;
    }
}
