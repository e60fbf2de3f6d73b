using System.Globalization;
using StackExchange.Redis;

namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>The latest events of all partitions, newest first.</summary>
    /// <param name="count">At most so many, 1 or more.</param>
    public async Task<IReadOnlyList<StockEvent>> ReadEventsAsync(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var parts = await Task.WhenAll(Partitions.Select(partition =>
            database.StreamRangeAsync(partition.Events, count: count, messageOrder: Order.Descending)
                .OrFailedAsync()));
        var events = parts.SelectMany(part => part.Select(ReadEvent));
        if (parts.Length > 1) events = events.OrderByDescending(found => found.At).Take(count);
        return [.. events];
    }

    private static StockEvent ReadEvent(StreamEntry entry)
    {
        var holder = (string)entry["holder"]!;
        var deadline = (long)entry["deadline_ms"];
        var reservation = (string)entry["reservation"]!;
        var trace = (string?)entry["trace"];
        return new(
            entry.Id!,
            (string)entry["type"]!,
            reservation.Length == 0 ? null : ReservationKey.Parse(reservation),
            int.Parse((string)entry["sequence"]!, CultureInfo.InvariantCulture),
            holder.Length == 0 ? null : Holder.Parse(holder),
            deadline == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(deadline),
            Reply.Lines((string)entry["lines"]!),
            string.IsNullOrEmpty(trace) ? null : trace);
    }
}
