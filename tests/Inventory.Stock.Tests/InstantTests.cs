using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>An event says the instant at which its script decided, whatever the clock did since.</summary>
public sealed class InstantTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    // Milliseconds of the year 2286.
    private const long Ahead = 9_999_999_999_999;

    private static readonly RedisKey Events = default(Partition).Events;

    [Fact]
    public async Task All_events_of_a_step_say_when_it_was_decided()
    {
        // To write so many takes a script some 50 ms.
        const int Count = 2_000;
        var sku = await stock.SkuAsync(Count);
        await Parallel.ForAsync(0, Count, async (number, _) => await HoldAsync($"user-{number}", sku));
        await Pages.PassAsync(stock.Database, sku, TimeSpan.FromHours(1));

        await stock.Engine.ExpireAsync(Count);

        var expired = (await stock.Database.StreamRangeAsync(Events)).Where(e => e["type"] == "expired").ToList();
        Assert.Equal(Count, expired.Count);
        Assert.Single(expired, e => ((string)e.Id!).EndsWith("-0", StringComparison.Ordinal));
        Assert.Single(expired.Select(e => ((string)e.Id!).Split('-')[0]).Distinct());
    }

    [Fact]
    public async Task A_clock_that_was_set_back_stops_no_event()
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
