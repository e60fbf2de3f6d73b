using Inventory.Contracts;
using Inventory.Stock;
using Inventory.Storage;
using Microsoft.Extensions.Options;

namespace Inventory.ReconciliationWorker;

/// <summary>Writes levels to Redis, several in parallel.</summary>
public sealed partial class StockWriter(
    LevelStore levels, IOptions<ReconciliationOptions> options, ILogger<StockWriter> log)
{
    /// <summary>Writes all levels. Redis ignores a level if it already has the same or a newer version.</summary>
    /// <returns>How many were read, and how many Redis applied.</returns>
    /// <exception cref="StoreException">Redis failed: some may be written.</exception>
    public async Task<(int Read, int Applied)> WriteAsync(
        IAsyncEnumerable<StockLevel> levels, CancellationToken cancellation)
    {
        int read = 0, applied = 0;
        await Parallel.ForEachAsync(levels, Parallelism(cancellation), async (level, _) =>
        {
            Interlocked.Increment(ref read);
            if (await WriteOneAsync(level)) Interlocked.Increment(ref applied);
        });
        return (read, applied);
    }

    /// <inheritdoc cref="WriteAsync(IAsyncEnumerable{StockLevel}, CancellationToken)"/>
    public async Task<int> WriteAsync(IReadOnlyList<StockLevel> levels, CancellationToken cancellation)
    {
        var applied = 0;
        await Parallel.ForEachAsync(levels, Parallelism(cancellation), async (level, _) =>
        {
            if (await WriteOneAsync(level)) Interlocked.Increment(ref applied);
        });
        return applied;
    }

    private ParallelOptions Parallelism(CancellationToken cancellation) => new()
    {
        MaxDegreeOfParallelism = options.Value.WriteConcurrency,
        CancellationToken = cancellation,
    };

    private async ValueTask<bool> WriteOneAsync(StockLevel level)
    {
        if (!Names.IsSku(level.Sku))
        {
            NotASku(level.Sku, Names.SkuRule);
            return false;
        }

        try
        {
            return await levels.SetStockAsync(
                new(level.Sku, level.Total, level.Version, level.MaxPerCustomer, level.Paused))
                == SetStockOutcome.Applied;
        }
        catch (CorruptDataException e)
        {
            // The changes of other SKUs must not wait for a corrupt one. The audit reports it, and repairs it where
            // that is safe.
            NotReadable(level.Sku, e.Message);
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "SKU {Sku} can't be sold: a SKU has {Rule}.")]
    private partial void NotASku(string sku, string rule);

    [LoggerMessage(2, LogLevel.Error,
        "The change of {Sku} can't be written to Redis, where its data is corrupt: {What}")]
    private partial void NotReadable(string sku, string what);
}
