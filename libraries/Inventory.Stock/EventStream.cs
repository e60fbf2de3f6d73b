using System.Globalization;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>A range of one partition's stream, read at one moment.</summary>
/// <param name="Epoch">
/// The epoch of the data, which changes when Redis is rebuilt. Null while the partition is
/// fenced.
/// </param>
/// <param name="Length">Entries of the whole stream.</param>
/// <param name="Records">The requested range, in order.</param>
public sealed record StreamStretch(string? Epoch, long Length, IReadOnlyList<StreamRecord> Records);

/// <summary>New events at the end of one partition's stream.</summary>
/// <param name="End">The position of the last event of this result; the next call continues after it.</param>
/// <param name="Skus">The SKUs that the events in between are about.</param>
/// <param name="HasMore">Whether there are events after <paramref name="End"/>.</param>
/// <param name="HasGap">
/// Whether events may have been missed, because they were trimmed before this call or Redis has lost them.
/// </param>
public sealed record StreamTail(string End, IReadOnlySet<string> Skus, bool HasMore, bool HasGap);

/// <summary>
/// The place of an event among those of all partitions. Two partitions may give the same id; then the lower partition
/// comes first.
/// </summary>
/// <param name="Id">The event's id in its stream.</param>
/// <param name="Partition">The index of its partition.</param>
public readonly record struct EventPlace(string Id, int Partition)
{
    /// <summary>The id, and with a higher partition than 0 also a point and its index.</summary>
    public override string ToString() =>
        Partition == 0 ? Id : string.Create(CultureInfo.InvariantCulture, $"{Id}.{Partition}");

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <returns>False for any other text.</returns>
    public static bool TryParse(string text, out EventPlace place)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var (id, partition) = (point < 0 ? text : text[..point], 0);
        var isPlace = StreamIds.IsId(id) && (point < 0 || int.TryParse(
            text.AsSpan(point + 1), NumberStyles.None, CultureInfo.InvariantCulture, out partition));
        place = isPlace ? new(id, partition) : default;
        return isPlace;
    }
}

/// <summary>A page of events.</summary>
/// <param name="Events">Newest first, without entries that can't be parsed.</param>
/// <param name="Next">The place before which the next page begins; null when there is nothing older.</param>
public sealed record EventPage(IReadOnlyList<StockEvent> Events, EventPlace? Next);

/// <summary>The partitions' streams of events: read, followed and trimmed.</summary>
/// <remarks>
/// The materializer reads all of a stream (<see cref="ReadStreamAsync"/>). An API instance follows its end
/// (<see cref="ReadTailAsync"/>) to learn which SKUs to read again: gaps are reported, and it reads all of them anew.
/// </remarks>
public sealed class EventStream
{
    /// <summary>The position before the first event.</summary>
    private const string Beginning = "0-0";

    private readonly PartitionedRedis redis;

    internal EventStream(PartitionedRedis redis) => this.redis = redis;

    /// <summary>All partitions.</summary>
    public IReadOnlyList<Partition> Partitions => redis.Partitions;

    /// <summary>The partition of a SKU's stock.</summary>
    public Partition PartitionOf(string sku) => redis.PartitionOf(sku);

    /// <summary>The server's clock.</summary>
    public Task<DateTimeOffset> NowAsync() => redis.NowAsync();

    /// <summary>Events of all partitions, newest first.</summary>
    /// <param name="count">Maximum number, 1 or more.</param>
    /// <param name="before">Only events before this place; null for the latest.</param>
    public async Task<EventPage> ReadEventsAsync(int count, EventPlace? before = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var parts = await Task.WhenAll(redis.Partitions.Select(async partition =>
        {
            var entries = await redis.Database.StreamRangeAsync(
                partition.Events, maxId: EndOf(partition), count: count + 1, messageOrder: Order.Descending)
                .OrFailedAsync();
            return entries.Select(entry => (Entry: entry, Place: new EventPlace(entry.Id!, partition.Index)));
        }));
        // The sort is stable: among equal ids the lower partition stays first.
        var newest = parts.SelectMany(part => part)
            .OrderByDescending(found => found.Place.Id, Comparer<string>.Create(StreamIds.Compare))
            .Take(count + 1).ToList();
        return new(
            [.. newest.Take(count).Select(found => ReadEvent(found.Entry)).OfType<StockEvent>()],
            newest.Count > count ? newest[count - 1].Place : null);

        RedisValue EndOf(Partition partition) => before is not { } end ? "+"
            : partition.Index > end.Partition ? end.Id
            : $"({end.Id}";
    }

    /// <summary>Reads one partition's events in order.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="from">The first id, included; null for the oldest one in the stream.</param>
    /// <param name="count">Maximum number, 1 or more.</param>
    public async Task<StreamStretch> ReadStreamAsync(Partition partition, string? from, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        // The calls run in this order on one connection: an epoch that is read was there before the events that are
        // read.
        var epoch = redis.Database.StringGetAsync(partition.Epoch).OrFailedAsync();
        var length = redis.Database.StreamLengthAsync(partition.Events).OrFailedAsync();
        var entries = redis.Database.StreamRangeAsync(partition.Events, minId: from ?? "-", count: count)
            .OrFailedAsync();
        await Task.WhenAll(epoch, length, entries);
        return new(await epoch, await length, [.. (await entries).Select(Record)]);
    }

    /// <summary>
    /// Removes a limited number of old events. Redis removes whole nodes of the stream, of some hundred events each.
    /// </summary>
    /// <param name="partition">The partition of the stream.</param>
    /// <param name="oldestKept">This event and all later ones are kept.</param>
    /// <param name="most">Maximum number of removed events; Redis removes none when the next node has more.</param>
    /// <returns>The number of removed events.</returns>
    public Task<long> TrimStreamAsync(Partition partition, string oldestKept, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        return redis.Database.StreamTrimByMinIdAsync(
            partition.Events, oldestKept, useApproximateMaxLength: true, limit: most).OrFailedAsync();
    }

    /// <returns>Null for an entry that can't be parsed: the materializer reports it as a dead letter.</returns>
    private static StockEvent? ReadEvent(StreamEntry entry)
    {
        try
        {
            return Record(entry).Parse();
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static StreamRecord Record(StreamEntry entry) => new(
        entry.Id!,
        [.. entry.Values.Select(field => KeyValuePair.Create((string)field.Name!, (string)field.Value!))]);

    /// <summary>The end of a partition's stream: the id of the last event, even if it has been removed.</summary>
    public async Task<string> ReadEndAsync(Partition partition)
    {
        try
        {
            return (await redis.Database.StreamInfoAsync(partition.Events).OrFailedAsync()).LastGeneratedId!;
        }
        catch (StoreRejectedException e) when (e.Message.Contains("no such key", StringComparison.Ordinal))
        {
            return Beginning;
        }
    }

    /// <summary>Reads events after a position.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="after">The end of the previous call.</param>
    /// <param name="count">Maximum number of events, 1 or more.</param>
    public async Task<StreamTail> ReadTailAsync(Partition partition, string after, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        // The calls run in this order on one connection, so the range contains everything up to the end. The range
        // includes the event at `after`: when that is gone, events after it may be gone too.
        var reading = ReadEndAsync(partition);
        var finding = redis.Database.StreamRangeAsync(partition.Events, minId: after, count: count + 1)
            .OrFailedAsync();
        await Task.WhenAll(reading, finding);
        var (end, entries) = (await reading, await finding);
        var isThere = entries.Length > 0 && entries[0].Id == after;
        var nothingCame = entries.Length == 0 && end == after;
        if (!isThere && !nothingCame) return new(end, new HashSet<string>(), HasMore: false, HasGap: true);

        var skus = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries.Skip(1)) AddSkus(skus, (string?)entry[EventFields.Lines]);
        return new(entries.Length > 0 ? entries[^1].Id! : after, skus, entries.Length > count, HasGap: false);
    }

    /// <summary>Skips what can't be parsed: the materializer reports it as a dead letter.</summary>
    private static void AddSkus(HashSet<string> skus, ReadOnlySpan<char> lines)
    {
        var known = skus.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var range in lines.Split(','))
        {
            var line = lines[range];
            if (line.LastIndexOf(':') is not (var colon and > 0)) continue;
            // Nearly all lines name a SKU that is known and has nothing escaped: they need no text of their own.
            if (line[..colon].Contains('%')) skus.Add(SkuText.Unescape(line[..colon]));
            else known.Add(line[..colon]);
        }
    }
}
