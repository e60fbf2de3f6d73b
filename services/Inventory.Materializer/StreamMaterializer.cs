using Inventory.Stock;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Inventory.Materializer;

/// <summary>
/// Follows every partition's event stream and makes rows of it. Any number of instances may run: each partition is read
/// by whoever has its lock, and taken over by another when that one has gone.
/// </summary>
public sealed class StreamMaterializer(
    StockEngine stock,
    NpgsqlDataSource ledger,
    BatchWriter writer,
    MaterializerMetrics metrics,
    Outage outage,
    IOptions<MaterializerOptions> options,
    TimeProvider time,
    ILogger<StreamMaterializer> log) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var readers = stock.ReadPartitions().Select(partition =>
            new PartitionReader(partition, stock, ledger, writer, metrics, outage, options.Value, time, log)
                .RunAsync(stoppingToken));
        // A reader that ends by itself has met a bug, and stops the process: nobody else would read its partition.
        await foreach (var reader in Task.WhenEach(readers)) await reader;
    }
}
