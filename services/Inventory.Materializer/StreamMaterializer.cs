using Inventory.Stock;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Inventory.Materializer;

/// <summary>
/// Follows every partition's event stream and stores its events as rows. Any number of instances may run: the instance
/// that holds a partition's lock reads it, and another one takes over when that instance stops.
/// </summary>
public sealed class StreamMaterializer(
    EventStream events,
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
        var readers = events.Partitions.Select(partition =>
            new PartitionReader(partition, events, ledger, writer, metrics, outage, options.Value, time, log)
                .RunAsync(stoppingToken));
        // A reader that ends by itself has met a bug. It stops the process, because otherwise no instance would read
        // its partition.
        await foreach (var reader in Task.WhenEach(readers)) await reader;
    }
}
