using System.Diagnostics;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>Reserve requests that share a script call.</summary>
public sealed class TogetherTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task The_first_ten_of_sixty_four_batched_shoppers_get_the_last_ten_units()
    {
        var sku = await stock.SkuAsync(10);
        var before = await Together.CallsAsync(stock);

        var answers = await Together.ReserveAsync(stock, stock.Engine, OneEach(sku, 64));

        Assert.Equal(before + 2, await Together.CallsAsync(stock));
        Assert.All(answers[..10], answer => Assert.Equal(ReserveOutcome.Held, answer.Outcome));
        Assert.Equal(Enumerable.Range(0, 10).Reverse(), answers[..10].Select(answer => answer.Available[0].Available));
        Assert.All(answers[10..], answer => Assert.Equal(ReserveOutcome.Insufficient, answer.Outcome));
        Assert.Equal((10, 10, 0, 10), await stock.StockOf(sku));
    }

    [Theory]
    //           requests, lines, calls: at most 64 requests, and at most 256 lines
    [InlineData(1, 1, 1)]
    [InlineData(65, 1, 2)]
    [InlineData(200, 1, 4)]
    [InlineData(10, 50, 2)]
    [InlineData(2, 300, 2)]
    public async Task The_number_of_requests_and_lines_in_a_script_call_is_bounded(int requests, int lines, int calls)
    {
        var skus = new List<string>();
        for (var i = 0; i < lines; i++) skus.Add(await stock.SkuAsync(requests));
        // The first call of a script loads it, which counts as further calls.
        await stock.Engine.Holds.ReserveAsync(EngineFixture.Request("first", new Line(await stock.SkuAsync(1), 1)));
        var before = await Together.CallsAsync(stock);

        var answers = await Together.ReserveAsync(stock, stock.Engine, Enumerable.Range(0, requests).Select(i =>
            EngineFixture.Request($"user-{i}", [.. skus.Select(sku => new Line(sku, 1))])));

        Assert.All(answers, answer => Assert.Equal(ReserveOutcome.Held, answer.Outcome));
        Assert.Equal(before + 1 + calls, await Together.CallsAsync(stock));
    }

    [Fact]
    public async Task Each_request_keeps_its_trace_and_events_are_in_the_order_of_the_requests()
    {
        var sku = await stock.SkuAsync(3);
        var requests = OneEach(sku, 5).ToList();
        var last = (await stock.Database.StreamInfoAsync(default(Partition).Events)).LastGeneratedId;

        var traces = new List<string>();
        await Together.ReserveAsync(stock, stock.Engine, requests.Select(request =>
        {
            var activity = new Activity("test") { ActivityTraceFlags = ActivityTraceFlags.Recorded }
                .SetIdFormat(ActivityIdFormat.W3C).Start();
            traces.Add(activity.Id!);
            return request;
        }));
        Activity.Current = null;

        var events = await stock.Database.StreamRangeAsync(default(Partition).Events, $"({last}");
        Assert.Equal(
            requests.Take(3).Select((request, i) => (ReservationKey.Of(request.Id), "1", traces[i])),
            events.Select(e => ((string)e["reservation"]!, (string)e["sequence"]!, (string)e["trace"]!)));
    }

    [Fact]
    public async Task A_batch_serves_all_requests_when_one_spends_the_budget_for_due_holds()
    {
        var engine = stock.With(new() { ReclaimBatch = 1 });
        var sku = await stock.SkuAsync(5);
        foreach (var request in OneEach(sku, 5))
        {
            await stock.MakeDueAsync((await engine.Holds.ReserveAsync(request)).Reservation!);
        }

        var answers = await Together.ReserveAsync(stock, engine, OneEach(sku, 6));

        Assert.Equal(5, answers.Count(answer => answer.Outcome == ReserveOutcome.Held));
        Assert.Equal(1, answers.Count(answer => answer.Outcome == ReserveOutcome.Insufficient));
        Assert.Equal((5, 5, 0, 5), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_sku_that_cannot_be_read_fails_only_its_own_requests()
    {
        var (good, bad) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        await stock.Database.HashSetAsync(default(Partition).Stock(bad), "reserved", "1.5");

        var calls = await Together.StartAsync(stock, stock.Engine, new[] { good, bad, good, bad, good }
            .Select((sku, i) => EngineFixture.Request($"user-{i}", new Line(sku, 1))));

        foreach (var call in new[] { calls[1], calls[3] })
        {
            var failure = await Assert.ThrowsAsync<CorruptDataException>(() => call);
            Assert.Equal($"{bad} reserved is \"1.5\"", failure.Message);
        }

        foreach (var call in new[] { calls[0], calls[2], calls[4] })
        {
            Assert.Equal(ReserveOutcome.Held, (await call).Outcome);
        }

        Assert.Equal((5, 3, 2, 3), await stock.StockOf(good));
    }

    [Fact]
    public async Task Unread_deadlines_are_read_before_anything_is_written()
    {
        var engine = stock.With(new() { ReclaimBatch = 1 });
        var (good, bad) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        await stock.MakeDueAsync((await stock.ReserveAsync("gone", new Line(good, 1))).Reservation!);
        await stock.Database.StringSetAsync(default(Partition).DueOf(bad), "tomorrow");

        var calls = await Together.StartAsync(stock, engine, new[] { good, bad }
            .Select((sku, i) => EngineFixture.Request($"user-{i}", new Line(sku, 1))));

        Assert.Equal(ReserveOutcome.Held, (await calls[0]).Outcome);
        var failure = await Assert.ThrowsAsync<CorruptDataException>(() => calls[1]);
        Assert.StartsWith($"{bad} ", failure.Message, StringComparison.Ordinal);
        Assert.Equal("0", await stock.Database.HashGetAsync(default(Partition).Stock(bad), "reserved"));
    }

    [Fact]
    public async Task An_own_due_hold_does_not_count_even_when_the_budget_for_due_holds_is_spent()
    {
        var engine = stock.With(new() { ReclaimBatch = 1 });
        var (busy, limited) = (await stock.SkuAsync(5), await stock.SkuAsync(5, limit: 2));
        await stock.MakeDueAsync((await stock.ReserveAsync("gone", new Line(busy, 1))).Reservation!);
        await stock.MakeDueAsync((await stock.ReserveAsync("me", new Line(limited, 2))).Reservation!);

        var answers = await Together.ReserveAsync(stock, engine,
        [
            EngineFixture.Request("user", new Line(busy, 1)), EngineFixture.Request("me", new Line(limited, 2)),
        ]);

        Assert.All(answers, answer => Assert.Equal(ReserveOutcome.Held, answer.Outcome));
        Assert.Equal((5, 2, 3, 1), await stock.StockOf(limited));
    }

    private static IEnumerable<ReserveRequest> OneEach(string sku, int shoppers) =>
        Enumerable.Range(0, shoppers).Select(i => EngineFixture.Request($"user-{i}", new Line(sku, 1)));
}
