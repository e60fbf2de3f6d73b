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
}
