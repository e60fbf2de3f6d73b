using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>How many units of a SKU one shopper may hold. Backends have no such limit.</summary>
public sealed class ShopperLimitTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly int Most = new StockOptions().MaxUnitsPerShopper;

    private static Holder Cart => Holder.ShopperCart("shopper", "c");

    [Fact]
    public async Task A_shopper_holds_no_more_units_in_all_carts_than_that()
    {
        var sku = await stock.SkuAsync(50_000);

        var all = await stock.Engine.Holds.ReserveAsync(Ask(sku, 50_000));
        var most = await stock.Engine.Holds.ReserveAsync(Ask(sku, Most - 1));
        var cart = await stock.Engine.Holds.AdjustAsync(Ask(sku, 1) with { Holder = Cart });
        var one = await stock.Engine.Holds.ReserveAsync(Ask(sku, 1));
        var more = await stock.Engine.Holds.AdjustAsync(Ask(sku, 2) with { Holder = Cart });

        Assert.Equal((ReserveOutcome.LimitExceeded, Most, 0), (all.Outcome, all.Limit, all.Units));
        Assert.Equal((ReserveOutcome.Held, AdjustOutcome.Held), (most.Outcome, cart.Outcome));
        Assert.Equal((ReserveOutcome.LimitExceeded, Most, Most), (one.Outcome, one.Limit, one.Units));
        Assert.Equal((AdjustOutcome.LimitExceeded, Most, Most), (more.Outcome, more.Limit, more.Units));
        Assert.Equal((50_000, Most, 50_000 - Most, 2), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_replacement_counts_without_what_it_replaces_and_fewer_units_are_never_refused()
    {
        var sku = await stock.SkuAsync(100);
        var backend = await stock.Engine.Holds.ReserveAsync(Ask(sku, 60) with { IsShopper = false });

        var replaced = await stock.Engine.Holds.ReserveAsync(Ask(sku, Most) with { OnExisting = OnExisting.Replace });
        var fewer = await stock.Engine.Holds.AdjustAsync(Ask(sku, Most - 1));

        Assert.Equal(ReserveOutcome.Held, backend.Outcome);
        Assert.Equal((ReserveOutcome.Held, AdjustOutcome.Adjusted), (replaced.Outcome, fewer.Outcome));
        Assert.Equal((100, Most - 1, 101 - Most, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task Bought_units_do_not_count()
    {
        var sku = await stock.SkuAsync(100);
        var bought = (await stock.Engine.Holds.ReserveAsync(Ask(sku, Most))).Reservation!;
        await stock.Engine.Confirmations.CommitAsync(bought.Id, [new(sku, 100 - Most, 2)]);

        var next = await stock.Engine.Holds.ReserveAsync(Ask(sku, Most));

        Assert.Equal(ReserveOutcome.Held, next.Outcome);
    }

    [Theory]
    [InlineData(10, 0.25, 2)]
    [InlineData(1, 0.25, 1)]
    [InlineData(3, 1, 3)]
    public async Task A_share_of_the_total_bounds_a_shopper_of_a_small_stock(int total, double share, int most)
    {
        var sku = await stock.SkuAsync(total);
        var engine = stock.With(new() { MaxSharePerShopper = share });

        var refused = await engine.Holds.ReserveAsync(Ask(sku, most + 1));
        var held = await engine.Holds.ReserveAsync(Ask(sku, most));

        Assert.NotEqual(ReserveOutcome.Held, refused.Outcome);
        if (most < total) Assert.Equal((ReserveOutcome.LimitExceeded, most), (refused.Outcome, refused.Limit));
        Assert.Equal(ReserveOutcome.Held, held.Outcome);
    }

    private static ReserveRequest Ask(string sku, int quantity) =>
        EngineFixture.Request("shopper", new Line(sku, quantity)) with
        {
            IsShopper = true,
            OnExisting = OnExisting.Allow,
        };
}
