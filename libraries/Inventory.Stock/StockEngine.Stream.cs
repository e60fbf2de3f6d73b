using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>One entry of a partition's stream as it lies there, whether or not it can be understood.</summary>
/// <param name="Id">Its place in the stream: milliseconds and a number, ascending.</param>
/// <param name="Fields">What it says, in its order.</param>
public sealed record StreamRecord(string Id, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    private static readonly HashSet<string> HoldTypes =
    [
        "reserved", "adjusted", "extended", "released", "expired", "unpinned", "confirmed", "revived",
    ];

    /// <summary>The event that this entry tells of.</summary>
    /// <exception cref="FormatException">
    /// No script of this version has written it; the message says what is wrong.
    /// </exception>
    public StockEvent Parse()
    {
        try
        {
            var type = Field("type");
            return type == "stock-set" ? ParseStock() : ParseHold(type);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new FormatException($"A field can't be read: {e.Message}", e);
        }
    }

    private StockEvent ParseHold(string type)
    {
        Require(HoldTypes.Contains(type), "type");
        var sequence = int.Parse(Field("sequence"), Invariant);
        Require(sequence >= 1, "sequence");
        var holder = Field("holder");
        Require(Holder.IsText(holder), "holder");
        var deadline = long.Parse(Field("deadline_ms"), Invariant);
        Require(deadline >= 1, "deadline_ms");
        return new(
            Id, type, ReservationKey.Parse(Field("reservation")), sequence, Holder.Parse(holder),
            DateTimeOffset.FromUnixTimeMilliseconds(deadline), Lines(least: 1), Trace());
    }

    private StockEvent ParseStock()
    {
        Require(Field("reservation").Length == 0, "reservation");
        Require(Field("sequence") == "0", "sequence");
        return new(Id, "stock-set", null, 0, null, null, Lines(least: 0), Trace());
    }

    private IReadOnlyList<Line> Lines(int least)
    {
        var lines = Reply.Lines(Field("lines"));
        Require(lines.Count > 0 && lines.All(line => Names.IsSku(line.Sku) && line.Quantity >= least), "lines");
        return lines;
    }

    private string? Trace() => Field("trace") is { Length: > 0 } trace ? trace : null;

    private string Field(string name)
    {
        foreach (var field in Fields)
        {
            if (field.Key == name) return field.Value;
        }

        throw new FormatException($"The field {name} is missing.");
    }

    private void Require(bool holds, string field)
    {
        if (holds) return;
        throw new FormatException($"The field {field} is '{Field(field)}', which no script of ours writes.");
    }

    private static System.Globalization.CultureInfo Invariant => System.Globalization.CultureInfo.InvariantCulture;
}

/// <summary>A stretch of one partition's stream, as of one moment.</summary>
/// <param name="Epoch">Whose data this is: it changes when Redis was loaded anew. Null while it is fenced.</param>
/// <param name="Length">Entries of the whole stream.</param>
/// <param name="Records">The stretch that was asked for, in order.</param>
public sealed record StreamStretch(string? Epoch, long Length, IReadOnlyList<StreamRecord> Records);

// What follows the stream, rather than showing its end to somebody, is the materializer.
public sealed partial class StockEngine
{
    /// <summary>The partitions that there are.</summary>
    public IReadOnlyList<Partition> ReadPartitions() => [.. Partitions];

    /// <summary>Reads one partition's events in order.</summary>
    /// <param name="partition">Which one.</param>
    /// <param name="from">The id to begin with, itself included; null for the oldest that is kept.</param>
    /// <param name="count">At most so many, 1 or more.</param>
    public async Task<StreamStretch> ReadStreamAsync(Partition partition, string? from, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        // In this order on one connection: an epoch that is there was there before what is read.
        var epoch = database.StringGetAsync(partition.Epoch).OrFailedAsync();
        var length = database.StreamLengthAsync(partition.Events).OrFailedAsync();
        var entries = database.StreamRangeAsync(partition.Events, minId: from ?? "-", count: count)
            .OrFailedAsync();
        await Task.WhenAll(epoch, length, entries);
        return new(await epoch, await length, [.. (await entries).Select(Record)]);
    }

    /// <summary>Removes old events, a bounded number: whole nodes of the stream, of some hundred each.</summary>
    /// <param name="partition">From which stream.</param>
    /// <param name="oldestKept">This one and all later ones stay.</param>
    /// <param name="most">At most so many are removed; Redis removes none when a whole node has more.</param>
    /// <returns>How many were removed.</returns>
    public Task<long> TrimStreamAsync(Partition partition, string oldestKept, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        return database.StreamTrimByMinIdAsync(
            partition.Events, oldestKept, useApproximateMaxLength: true, limit: most).OrFailedAsync();
    }

    private static StreamRecord Record(StreamEntry entry) => new(
        entry.Id!,
        [.. entry.Values.Select(field => KeyValuePair.Create((string)field.Name!, (string)field.Value!))]);
}
