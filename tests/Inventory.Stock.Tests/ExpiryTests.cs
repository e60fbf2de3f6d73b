using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

public sealed class ExpiryTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task The_next_reserve_of_a_sku_expires_its_due_hold()
    {
        var sku = await stock.SkuAsync(1);
        var first = await stock.ReserveAsync("me", new Line(sku, 1));
        await stock.MakeDueAsync(first.Reservation!);

        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
        Assert.Equal(
            ReservationStatus.Expired,
            (await stock.Engine.Holds.FindAsync(first.Reservation!.Id)).Reservation!.Status);
    }

    [Fact]
    public async Task The_next_snapshot_of_a_sku_expires_a_due_hold_with_all_its_lines()
    {
        var (a, b) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        var held = await stock.ReserveAsync("me", new Line(a, 1), new Line(b, 2));
        await stock.MakeDueAsync(held.Reservation!);

        Assert.Equal((5, 0, 5, 0), await stock.StockOf(a));
        Assert.Equal("0", await stock.Database.HashGetAsync(default(Partition).Stock(b), "reserved"));
    }

    [Fact]
    public async Task A_hold_whose_deadline_has_not_come_does_not_expire()
    {
        var sku = await stock.SkuAsync(1);
        var held = await stock.ReserveAsync("me", new Line(sku, 1));
        // `due` may be early; only the hold's own deadline counts.
        await stock.Database.SortedSetAddAsync(default(Partition).Due, SkuText.Escape(sku), 1);

        await stock.Engine.Holds.ExpireAsync(100);

        Assert.Equal(FindOutcome.Active, (await stock.Engine.Holds.FindAsync(held.Reservation!.Id)).Outcome);
        Assert.Equal(
            held.Reservation.ExpiresAt.ToUnixTimeMilliseconds(),
            await stock.Database.SortedSetScoreAsync(default(Partition).Due, SkuText.Escape(sku)));
    }

    [Fact]
    public async Task More_due_holds_than_one_call_expires_do_not_hide_stock()
    {
        var engine = stock.With(new() { ReclaimBatch = 2 });
        var sku = await stock.SkuAsync(9);
        var held = await Task.WhenAll(Enumerable.Range(0, 9).Select(i =>
            stock.ReserveAsync($"user-{i}", new Line(sku, 1))));
        foreach (var answer in held) await stock.MakeDueAsync(answer.Reservation!);

        Assert.Equal(
            ReserveOutcome.Held,
            (await engine.Holds.ReserveAsync(EngineFixture.Request("me", new Line(sku, 9)))).Outcome);
        Assert.Equal((9, 9, 0, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task Many_due_lines_of_another_sku_do_not_hide_stock()
    {
        var engine = stock.With(new() { ReclaimBatch = 1 });
        var (a, b) = (await stock.SkuAsync(2), await stock.SkuAsync(2));
        var held = await Task.WhenAll(new[] { a, a, b, b }.Select((sku, i) =>
            stock.ReserveAsync($"user-{i}", new Line(sku, 1))));
        foreach (var each in held) await stock.MakeDueAsync(each.Reservation!);

        var answer = await engine.Holds.ReserveAsync(EngineFixture.Request("me", new Line(a, 2), new Line(b, 2)));

        Assert.Equal(ReserveOutcome.Held, answer.Outcome);
    }

    [Fact]
    public async Task Expire_works_in_bounded_batches_and_reports_how_late_it_was()
    {
        var engine = stock.With(new());
        var sku = await stock.SkuAsync(10);
        var held = await Task.WhenAll(Enumerable.Range(0, 5).Select(i =>
            stock.ReserveAsync($"user-{i}", new Line(sku, 1))));
        foreach (var answer in held) await stock.MakeDueAsync(answer.Reservation!, agoMs: 5_000);

        var lateness = new List<TimeSpan>();
        ExpireAnswer expired;
        var calls = 0;
        do
        {
            expired = await engine.Holds.ExpireAsync(2);
            Assert.InRange(expired.Lateness.Count, 0, 2);
            lateness.AddRange(expired.Lateness);
            calls++;
        }
        while (expired.Outcome == ExpireOutcome.MoreDue);

        Assert.Equal(5, lateness.Count(late => late >= TimeSpan.FromSeconds(5)));
        Assert.InRange(calls, 3, 10);
        Assert.Equal("0", await stock.Database.HashGetAsync(default(Partition).Stock(sku), "reserved"));
        Assert.False(await stock.Database.KeyExistsAsync(default(Partition).DueOf(sku)));
    }

    [Fact]
    public async Task Two_concurrent_expirers_never_expire_a_hold_twice()
    {
        var skus = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => stock.SkuAsync(100)));
        var held = await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            stock.ReserveAsync($"user-{i}", new Line(skus[i % 5], 1), new Line(skus[(i + 1) % 5], 1))));
        await Task.WhenAll(held.Select(answer => stock.MakeDueAsync(answer.Reservation!)));

        async Task<int> DrainAsync()
        {
            var count = 0;
            ExpireAnswer answer;
            do
            {
                answer = await stock.Engine.Holds.ExpireAsync(7);
                count += answer.Lateness.Count;
            }
            while (answer.Outcome == ExpireOutcome.MoreDue);
            return count;
        }

        var counts = await Task.WhenAll(DrainAsync(), DrainAsync(), DrainAsync());

        Assert.Equal(200, counts.Sum());
        foreach (var sku in skus)
        {
            Assert.Equal("0", await stock.Database.HashGetAsync(default(Partition).Stock(sku), "reserved"));
        }
    }

    [Fact]
    public async Task Extend_moves_the_deadline_and_never_revives_an_ended_hold()
    {
        var sku = await stock.SkuAsync(5);
        var held = (await stock.ReserveAsync("me", new Line(sku, 1))).Reservation!;

        var extended = await stock.Engine.Holds.ExtendAsync(held.Id, TimeSpan.FromMinutes(5), null);
        Assert.Equal(ExtendOutcome.Extended, extended.Outcome);
        Assert.Equal(held.ExpiresAt + TimeSpan.FromMinutes(5), extended.Reservation!.ExpiresAt);

        await stock.MakeDueAsync(held);
        var late = await stock.Engine.Holds.ExtendAsync(held.Id, TimeSpan.FromMinutes(5), null);
        Assert.Equal((ExtendOutcome.Ended, ReservationStatus.Expired), (late.Outcome, late.Reservation!.Status));
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(
            ExtendOutcome.NotFound,
            (await stock.Engine.Holds.ExtendAsync(Guid.NewGuid(), TimeSpan.FromMinutes(5), null)).Outcome);
    }

    [Fact]
    public async Task Extensions_stop_at_the_longest_lifetime()
    {
        var engine = stock.With(new() { MaxLifetime = TimeSpan.FromMinutes(12) });
        var sku = await stock.SkuAsync(5);
        var held = await stock.ReserveAsync("me", new Line(sku, 1));

        var first = await engine.Holds.ExtendAsync(held.Reservation!.Id, TimeSpan.FromMinutes(5), null);
        var second = await engine.Holds.ExtendAsync(held.Reservation!.Id, TimeSpan.FromMinutes(5), null);

        Assert.Equal(held.DecidedAt + TimeSpan.FromMinutes(12), first.Reservation!.ExpiresAt);
        Assert.Equal(ExtendOutcome.LifetimeCapped, second.Outcome);
        Assert.Equal(first.Reservation.ExpiresAt, second.Reservation!.ExpiresAt);
    }

    [Fact]
    public async Task A_race_of_release_and_expiry_ends_each_hold_once()
    {
        var sku = await stock.SkuAsync(1_000);
        var held = await Task.WhenAll(Enumerable.Range(0, 300).Select(i =>
            stock.ReserveAsync($"user-{i}", new Line(sku, 1))));

        var released = new List<Task<ReleaseAnswer>>();
        var racing = Task.Run(async () =>
        {
            foreach (var answer in held)
            {
                await stock.MakeDueAsync(answer.Reservation!);
                await stock.Engine.Holds.ExpireAsync(1);
            }
        });
        for (var i = held.Length - 1; i >= 0; i--)
        {
            released.Add(stock.Engine.Holds.ReleaseAsync(held[i].Reservation!.Id, null));
        }

        var answers = await Task.WhenAll(released);
        await racing;
        while ((await stock.Engine.Holds.ExpireAsync(100)).Outcome == ExpireOutcome.MoreDue) { }

        Assert.All(
            answers,
            answer => Assert.Contains(answer.Outcome, new[] { ReleaseOutcome.Released, ReleaseOutcome.Ended }));
        Assert.Equal("0", await stock.Database.HashGetAsync(default(Partition).Stock(sku), "reserved"));
        var ends = (await stock.Engine.Events.ReadEventsAsync(10_000)).Events
            .Where(e => e.Type is "released" or "expired" && held.Any(h => h.Reservation!.Id == e.ReservationId));
        Assert.Equal(300, ends.Select(e => e.ReservationId).Distinct().Count());
        Assert.Equal(300, ends.Count());
    }

    [Fact]
    public async Task Release_reports_the_state_of_the_reservation()
    {
        var sku = await stock.SkuAsync(5);
        var held = (await stock.ReserveAsync("me", new Line(sku, 1))).Reservation!;
        var expired = (await stock.ReserveAsync("other", new Line(sku, 1))).Reservation!;
        await stock.MakeDueAsync(expired);

        Assert.Equal(ReleaseOutcome.Released, (await stock.Engine.Holds.ReleaseAsync(held.Id, null)).Outcome);
        Assert.Equal(ReleaseOutcome.AlreadyReleased, (await stock.Engine.Holds.ReleaseAsync(held.Id, null)).Outcome);
        Assert.Equal(ReleaseOutcome.Ended, (await stock.Engine.Holds.ReleaseAsync(expired.Id, null)).Outcome);
        Assert.Equal(ReleaseOutcome.NotFound, (await stock.Engine.Holds.ReleaseAsync(Guid.NewGuid(), null)).Outcome);
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
    }
}
