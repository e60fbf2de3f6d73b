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

        var read = await stock.Engine.Events.ReadEventsAsync(3);

        Assert.Equal([last, first], read.Select(each => each.ReservationId!.Value));
    }
}
