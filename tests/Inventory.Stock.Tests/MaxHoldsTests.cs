using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>How many holds of one SKU one owner may have.</summary>
public sealed class MaxHoldsTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly int Most = new StockOptions().MaxHoldsPerSku;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task A_shopper_gets_no_more_carts_than_that()
    {
        var sku = await stock.SkuAsync(100);
        for (var i = 0; i < Most; i++)
        {
            Assert.Equal(AdjustOutcome.Held, (await CartAsync(sku, i)).Outcome);
        }

        var refused = await CartAsync(sku, Most);
        var changed = await stock.Engine.Holds.AdjustAsync(Cart(0), new(sku, 3), Lifetime, null);

        Assert.Equal(
            (AdjustOutcome.LimitExceeded, Most, Most), (refused.Outcome, refused.Limit, refused.Units));
        Assert.Equal(AdjustOutcome.Adjusted, changed.Outcome);
        Assert.Equal((100, Most + 2, 98 - Most, Most), await stock.StockOf(sku));
        // Another shopper, and this shopper with another SKU, are not concerned.
        Assert.Equal(AdjustOutcome.Held, (await stock.Engine.Holds.AdjustAsync(
            Holder.ShopperCart("other", "cart"), new(sku, 1), Lifetime, null)).Outcome);
        Assert.Equal(AdjustOutcome.Held, (await CartAsync(await stock.SkuAsync(1), 0)).Outcome);
    }

    [Theory]
    [InlineData(OnExisting.Allow, ReserveOutcome.ActiveReservationExists)]
    [InlineData(OnExisting.RefuseUnlessLimited, ReserveOutcome.ActiveReservationExists)]
    [InlineData(OnExisting.Replace, ReserveOutcome.Held)]
    public async Task A_customer_gets_no_more_reservations_than_that_and_may_replace_them(
        OnExisting onExisting, ReserveOutcome outcome)
    {
        var sku = await stock.SkuAsync(100, 50);
        for (var i = 0; i < Most; i++)
        {
            Assert.Equal(ReserveOutcome.Held, (await ReserveAsync(sku, OnExisting.Allow)).Outcome);
        }

        var answer = await ReserveAsync(sku, onExisting);

        Assert.Equal(outcome, answer.Outcome);
        Assert.NotNull(answer.Reservation);
        var holds = outcome == ReserveOutcome.Held ? 1 : Most;
        Assert.Equal((100, holds, 100 - holds, holds), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_hold_that_has_ended_makes_room()
    {
        var sku = await stock.SkuAsync(100);
        var first = await CartAsync(sku, 0);
        for (var i = 1; i < Most; i++) await CartAsync(sku, i);

        await stock.MakeDueAsync(first.Reservation!);

        Assert.Equal(AdjustOutcome.Held, (await CartAsync(sku, Most)).Outcome);
    }

    private Task<AdjustAnswer> CartAsync(string sku, int number) =>
        stock.Engine.Holds.AdjustAsync(Cart(number), new(sku, 1), Lifetime, null);

    private Task<ReserveAnswer> ReserveAsync(string sku, OnExisting onExisting) =>
        stock.Engine.Holds.ReserveAsync(new()
        {
            Id = Guid.NewGuid(),
            Holder = Holder.Customer("customer"),
            Lines = [new Line(sku, 1)],
            HoldFor = Lifetime,
            OnExisting = onExisting,
        });

    private static Holder Cart(int number) => Holder.ShopperCart("shopper", $"cart-{number}");
}
