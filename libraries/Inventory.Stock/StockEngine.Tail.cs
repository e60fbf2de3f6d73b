using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>What has come to the end of one partition's stream.</summary>
/// <param name="End">The place that all of it stands before or at; the next look begins behind it.</param>
/// <param name="Skus">The SKUs that the events in between are about.</param>
/// <param name="HasMore">Whether events are waiting behind <paramref name="End"/>.</param>
/// <param name="HasGap">
/// Whether events may have been missed: they were trimmed before this look, or Redis has lost them.
/// </param>
public sealed record StreamTail(string End, IReadOnlySet<string> Skus, bool HasMore, bool HasGap);

// Who follows the end of the stream only wants to know which stock to look at again: a gap is told, and not mourned.
public sealed partial class StockEngine
{
    /// <summary>Before the first event of all.</summary>
    private const string Beginning = "0-0";

    /// <summary>In which partition a SKU's stock lies.</summary>
    public Partition PartitionOf(string sku) => Partition.Of(sku, settings.Partitions);

    /// <summary>The end of a partition's stream: the id of the last event, whether or not it is still there.</summary>
    public async Task<string> ReadEndAsync(Partition partition)
    {
        try
        {
            return (await database.StreamInfoAsync(partition.Events).OrFailedAsync()).LastGeneratedId!;
        }
        catch (RedisServerException e) when (e.Message.Contains("no such key", StringComparison.Ordinal))
        {
            return Beginning;
        }
    }

    /// <summary>Reads what has come since.</summary>
    /// <param name="partition">Which one.</param>
    /// <param name="after">Where the look before this one ended.</param>
    /// <param name="count">At most so many events, 1 or more.</param>
    public async Task<StreamTail> ReadTailAsync(Partition partition, string after, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        // In this order on one connection, so that what is read contains all that the end promises. With the event at
        // `after` itself: when it is gone, events behind it may be gone too.
        var reading = ReadEndAsync(partition);
        var finding = database.StreamRangeAsync(partition.Events, minId: after, count: count + 1).OrFailedAsync();
        await Task.WhenAll(reading, finding);
        var (end, entries) = (await reading, await finding);
        var isThere = entries.Length > 0 && entries[0].Id == after;
        var nothingCame = entries.Length == 0 && end == after;
        if (!isThere && !nothingCame) return new(end, new HashSet<string>(), HasMore: false, HasGap: true);

        var skus = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries.Skip(1)) AddSkus(skus, (string?)entry["lines"]);
        return new(entries.Length > 0 ? entries[^1].Id! : after, skus, entries.Length > count, HasGap: false);
    }

    /// <summary>Names what can be understood: a spoilt event is the materializer's affair.</summary>
    private static void AddSkus(HashSet<string> skus, ReadOnlySpan<char> lines)
    {
        var known = skus.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var range in lines.Split(','))
        {
            var line = lines[range];
            if (line.LastIndexOf(':') is var colon and > 0) known.Add(line[..colon]);
        }
    }
}
