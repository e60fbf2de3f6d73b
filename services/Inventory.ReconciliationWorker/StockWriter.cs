using Inventory.Ledger;
using Inventory.Stock;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker;

/// <summary>Writes levels to Redis, several on their way at once.</summary>
public sealed partial class StockWriter(
    StockEngine stock, IOptions<ReconciliationOptions> options, ILogger<StockWriter> log)
{
    /// <summary>Writes all of them. Redis ignores those that it knows already, or knows better.</summary>
    /// <returns>How many were read, and how many were news to Redis.</returns>
    /// <exception cref="StackExchange.Redis.RedisConnectionException">Redis is away: some may be written.</exception>
    /// <exception cref="StackExchange.Redis.RedisTimeoutException">Redis is slow: some may be written.</exception>
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
            return await stock.SetStockAsync(
                new(level.Sku, level.Total, level.Version, level.MaxPerCustomer, level.Paused))
                == SetStockOutcome.Applied;
        }
        catch (RedisServerException e) when (Unreadable.Explain(e) is { } what)
        {
            // The other SKUs' changes must not wait for this one: the audit finds it, and mends what can be mended.
            NotReadable(level.Sku, what);
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "SKU {Sku} can't be sold: a SKU has {Rule}.")]
    private partial void NotASku(string sku, string rule);

    [LoggerMessage(2, LogLevel.Error, "The change of {Sku} can't be told to Redis, where it can't be read: {What}")]
    private partial void NotReadable(string sku, string what);
}
