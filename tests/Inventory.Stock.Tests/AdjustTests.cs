using Inventory.Contracts;

namespace Inventory.Stock.Tests;

public sealed class AdjustTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly Holder Cart = Holder.Cart("cart");

    private Task<AdjustAnswer> AdjustAsync(string sku, int quantity) =>
        stock.Engine.Holds.AdjustAsync(Cart, new(sku, quantity), TimeSpan.FromMinutes(10), null);

    [Theory]
    //          total limit first second -> outcome                  reserved
    [InlineData(10, null, 2, 2, AdjustOutcome.AlreadyHeld, 2)]
    [InlineData(10, null, 2, 5, AdjustOutcome.Adjusted, 5)]
    [InlineData(10, null, 5, 2, AdjustOutcome.Adjusted, 2)]
    [InlineData(10, null, 5, 10, AdjustOutcome.Adjusted, 10)]
    [InlineData(10, null, 5, 11, AdjustOutcome.Insufficient, 5)]
    [InlineData(10, 3, 2, 3, AdjustOutcome.Adjusted, 3)]
    [InlineData(10, 3, 2, 4, AdjustOutcome.LimitExceeded, 2)]
    public async Task A_cart_that_has_a_hold_gets_it_with_the_new_quantity(
        int total, int? limit, int first, int second, AdjustOutcome outcome, int reserved)
    {
        var sku = await stock.SkuAsync(total, limit);
        var held = await AdjustAsync(sku, first);

        var answer = await AdjustAsync(sku, second);

        Assert.Equal(AdjustOutcome.Held, held.Outcome);
        Assert.Equal(outcome, answer.Outcome);
        Assert.Equal((total, reserved, total - reserved, 1), await stock.StockOf(sku));
        if (answer.Reservation is { } reservation)
        {
            Assert.Equal(held.Reservation!.Id, reservation.Id);
            Assert.Equal(held.Reservation.ExpiresAt, reservation.ExpiresAt);
            Assert.Equal(total - reserved, answer.Available);
        }
    }

    [Fact]
    public async Task After_its_hold_has_ended_a_cart_gets_a_new_one()
    {
        var sku = await stock.SkuAsync(3);
        var first = await AdjustAsync(sku, 3);
        await stock.MakeDueAsync(first.Reservation!);

        var second = await AdjustAsync(sku, 3);

        Assert.Equal(AdjustOutcome.Held, second.Outcome);
        Assert.NotEqual(first.Reservation!.Id, second.Reservation!.Id);
        Assert.Equal((3, 3, 0, 1), await stock.StockOf(sku));
    }

    [Theory]
    [InlineData(3, AdjustOutcome.Paused)]
    [InlineData(1, AdjustOutcome.Adjusted)]
    public async Task A_pause_refuses_more_units_and_allows_fewer(int quantity, AdjustOutcome outcome)
    {
        var sku = await stock.SkuAsync(10);
        await AdjustAsync(sku, 2);
        await stock.Engine.Levels.SetStockAsync(new(sku, 10, 2, null, Paused: true));

        Assert.Equal(outcome, (await AdjustAsync(sku, quantity)).Outcome);
    }

    [Fact]
    public async Task An_unknown_sku_is_refused() =>
        Assert.Equal(AdjustOutcome.UnknownSku, (await AdjustAsync("unheard-of", 1)).Outcome);

    [Fact]
    public async Task Extend_and_release_find_the_hold_by_cart_and_sku()
    {
        var sku = await stock.SkuAsync(3);
        var held = await AdjustAsync(sku, 2);

        var extended = await stock.Engine.Holds.ExtendAsync(Cart, sku, TimeSpan.FromMinutes(1), null);
        var released = await stock.Engine.Holds.ReleaseAsync(Cart, sku, null);

        Assert.Equal(held.Reservation!.ExpiresAt + TimeSpan.FromMinutes(1), extended.Reservation!.ExpiresAt);
        Assert.Equal((ReleaseOutcome.Released, held.Reservation.Id), (released.Outcome, released.Reservation!.Id));
        Assert.Equal(ReleaseOutcome.NotFound, (await stock.Engine.Holds.ReleaseAsync(Cart, sku, null)).Outcome);
        Assert.Equal(
            ExtendOutcome.NotFound,
            (await stock.Engine.Holds.ExtendAsync(Cart, sku, TimeSpan.FromMinutes(1), null)).Outcome);
    }

    [Fact]
    public async Task Events_record_the_whole_life_of_a_reservation_without_gaps()
    {
        var sku = await stock.SkuAsync(9);
        var id = (await AdjustAsync(sku, 1)).Reservation!.Id;
        await AdjustAsync(sku, 2);
        await stock.Engine.Holds.ExtendAsync(id, TimeSpan.FromMinutes(1), null);
        await stock.Engine.Holds.ReleaseAsync(id, null);

        var events = (await stock.Engine.Events.ReadEventsAsync(1_000)).Events
            .Where(e => e.ReservationId == id).Reverse().ToList();

        Assert.Equal(["reserved", "adjusted", "extended", "released"], events.Select(e => e.Type));
        Assert.Equal([1, 2, 3, 4], events.Select(e => e.Sequence));
        Assert.All(events, e => Assert.Equal(Cart, e.Holder));
        Assert.Equal([new Line(sku, 2)], events[^1].Lines);
    }

    [Fact]
    public async Task A_pause_that_arrives_after_a_later_commit_still_applies()
    {
        var sku = await stock.SkuAsync(10);
        var held = await stock.ReserveAsync("u", new Line(sku, 3));
        var id = held.Reservation!.Id;
        await stock.Engine.Confirmations.PinAsync(id, TimeSpan.FromMinutes(1));
        await stock.Engine.Confirmations.CommitAsync(id, [new(sku, 7, 3)]);

        var paused = await stock.Engine.Levels.SetStockAsync(new(sku, 10, 2, 4, Paused: true));
        var confirmed = await stock.Engine.Levels.SetStockAsync(new(sku, 7, 3, 4, Paused: true));
        var late = await stock.Engine.Levels.SetStockAsync(new(sku, 10, 1, null, Paused: false));

        Assert.Equal(
            [SetStockOutcome.Applied, SetStockOutcome.Unchanged, SetStockOutcome.Stale], [paused, confirmed, late]);
        var snapshot = await stock.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal(
            (7, 3L, 4, true),
            (snapshot.Total, snapshot.Version, snapshot.MaxPerCustomer ?? 0, snapshot.Paused));
    }

    [Fact]
    public async Task An_older_version_of_the_total_changes_nothing()
    {
        var sku = await stock.SkuAsync(10);

        Assert.Equal(SetStockOutcome.Applied, await stock.Engine.Levels.SetStockAsync(new(sku, 7, 5, 2, false)));
        Assert.Equal(SetStockOutcome.Unchanged, await stock.Engine.Levels.SetStockAsync(new(sku, 9, 5, 2, false)));
        Assert.Equal(SetStockOutcome.Stale, await stock.Engine.Levels.SetStockAsync(new(sku, 9, 4, null, false)));

        var snapshot = await stock.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((7, 5L, 2), (snapshot.Total, snapshot.Version, snapshot.MaxPerCustomer));
    }
}
