using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>An event has the time at which its script decided, whatever the clock does later.</summary>
public sealed class InstantTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    // Milliseconds of the year 2286.
    private const long Ahead = 9_999_999_999_999;

    private static readonly RedisKey Events = default(Partition).Events;

    [Fact]
    public async Task All_events_of_a_step_have_the_time_of_its_decision()
    {
        // A script takes some 50 ms to write this many events.
        const int Count = 2_000;
        var sku = await stock.SkuAsync(Count);
        await Parallel.ForAsync(0, Count, async (number, _) => await HoldAsync($"user-{number}", sku));
        await Pages.PassAsync(stock.Database, sku, TimeSpan.FromHours(1));

        await stock.Engine.Holds.ExpireAsync(Count);

        var expired = (await stock.Database.StreamRangeAsync(Events)).Where(e => e["type"] == "expired").ToList();
        Assert.Equal(Count, expired.Count);
        Assert.Single(expired, e => ((string)e.Id!).EndsWith("-0", StringComparison.Ordinal));
        Assert.Single(expired.Select(e => ((string)e.Id!).Split('-')[0]).Distinct());
    }

    [Fact]
    public async Task Events_are_written_after_the_clock_was_set_back()
    {
        var sku = await stock.SkuAsync(1);
        var aside = Events.Append("-aside");
        await stock.Database.KeyRenameAsync(Events, aside);
        try
        {
            await stock.Database.StreamAddAsync(Events, "type", "", $"{Ahead}-7");

            await HoldAsync("me", sku);

            var ids = (await stock.Database.StreamRangeAsync(Events)).Select(e => (string)e.Id!);
            Assert.Equal([$"{Ahead}-7", $"{Ahead}-8"], ids);
        }
        finally
        {
            await stock.Database.KeyRenameAsync(aside, Events);
        }
    }

    private async Task HoldAsync(string customer, string sku) =>
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync(customer, new Line(sku, 1))).Outcome);
}
