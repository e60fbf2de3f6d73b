using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>What readers of the stream do with entries that no script has written.</summary>
public sealed class EventStreamTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Theory]
    [InlineData("type", "invented")]
    [InlineData("deadline_ms", "0")]
    [InlineData("lines", "")]
    [InlineData("holder", "no holder")]
    public async Task An_entry_that_cannot_be_parsed_does_not_hide_the_events_around_it(string field, string value)
    {
        var sku = await stock.SkuAsync(2);
        var first = (await stock.ReserveAsync("one", new Line(sku, 1))).Reservation!.Id;
        var events = default(Partition).Events;
        var entry = (await stock.Database.StreamRangeAsync(events, count: 1, messageOrder: Order.Descending))[0];
        await stock.Database.StreamAddAsync(events,
            [.. entry.Values.Select(pair => pair.Name == field ? new NameValueEntry(field, value) : pair)]);
        var last = (await stock.ReserveAsync("two", new Line(sku, 1))).Reservation!.Id;

        var read = (await stock.Engine.Events.ReadEventsAsync(3)).Events;

        Assert.Equal([last, first], read.Select(each => each.ReservationId!.Value));
    }

    [Fact]
    public async Task Pages_of_all_partitions_have_every_event_once_although_ids_are_equal()
    {
        var reader = stock.With(new() { Partitions = 4 }).Events;
        await stock.ReserveAsync("one", new Line(await stock.SkuAsync(2), 1));
        var entry = (await stock.Database.StreamRangeAsync(
            default(Partition).Events, count: 1, messageOrder: Order.Descending))[0];
        // The same moment in several partitions, as when servers write in one millisecond.
        var others = reader.Partitions.Skip(1).ToList();
        foreach (var partition in others)
        {
            for (var number = 1; number <= 4; number++)
            {
                await stock.Database.StreamAddAsync(partition.Events, entry.Values, $"5-{number}");
            }
        }

        var ids = new List<string>();
        EventPlace? before = new("6-0", 0);
        while (before is not null && ids.Count <= 12)
        {
            var page = await reader.ReadEventsAsync(5, before);
            ids.AddRange(page.Events.Select(found => found.Id));
            before = EventPlace.TryParse($"{page.Next}", out var next) ? next : null;
        }

        Assert.Equal(from number in Enumerable.Range(1, 4).Reverse() from _ in others select $"5-{number}", ids);
        Assert.Equal(entry.Id, (await reader.ReadEventsAsync(1)).Events[0].Id);
    }
}
