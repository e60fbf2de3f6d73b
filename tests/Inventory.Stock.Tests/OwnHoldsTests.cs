using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>Limits per customer, and what a customer's own holds do to their next request.</summary>
public sealed class OwnHoldsTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Theory]
    //          policy                          limit -> outcome of the second hold
    [InlineData(OnExisting.Refuse, null, ReserveOutcome.ActiveReservationExists)]
    [InlineData(OnExisting.Refuse, 2, ReserveOutcome.ActiveReservationExists)]
    [InlineData(OnExisting.RefuseUnlessLimited, null, ReserveOutcome.ActiveReservationExists)]
    [InlineData(OnExisting.RefuseUnlessLimited, 2, ReserveOutcome.Held)]
    [InlineData(OnExisting.RefuseUnlessLimited, 1, ReserveOutcome.LimitExceeded)]
    [InlineData(OnExisting.Allow, null, ReserveOutcome.Held)]
    [InlineData(OnExisting.Allow, 1, ReserveOutcome.LimitExceeded)]
    [InlineData(OnExisting.Replace, 1, ReserveOutcome.Held)]
    public async Task A_second_hold_of_a_sku_is_treated_by_policy_and_limit(
        OnExisting policy, int? limit, ReserveOutcome outcome)
    {
        var sku = await stock.SkuAsync(10, limit);
        var first = await stock.ReserveAsync("me", new Line(sku, 1));

        var second = await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("me", new Line(sku, 1)) with { OnExisting = policy });

        Assert.Equal(outcome, second.Outcome);
        // A refusal because of the customer's own hold reports that hold.
        if (outcome < 0) Assert.Equal(first.Reservation!.Id, second.Reservation!.Id);
        Assert.Equal(policy == OnExisting.Replace || outcome < 0 ? 1 : 2, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task Carts_of_one_shopper_are_separate_and_share_the_limit()
    {
        var sku = await stock.SkuAsync(10, limit: 3);
        Task<AdjustAnswer> AdjustAsync(Holder cart, int quantity) =>
            stock.Engine.Holds.AdjustAsync(cart, new(sku, quantity), TimeSpan.FromMinutes(10), null);
        var (one, other) = (Holder.ShopperCart("s", "one"), Holder.ShopperCart("s", "other"));
        var first = await AdjustAsync(one, 2);

        Assert.Equal(AdjustOutcome.LimitExceeded, (await AdjustAsync(other, 2)).Outcome);
        var second = await AdjustAsync(other, 1);
        var asCustomer = await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("s", new Line(sku, 1)) with { OnExisting = OnExisting.Allow });
        var released = await stock.Engine.Holds.ReleaseAsync(other, sku, null);

        Assert.Equal((AdjustOutcome.Held, AdjustOutcome.Held), (first.Outcome, second.Outcome));
        Assert.Equal((ReserveOutcome.LimitExceeded, 3), (asCustomer.Outcome, asCustomer.Units));
        Assert.Equal((ReleaseOutcome.Released, second.Reservation!.Id), (released.Outcome, released.Reservation!.Id));
        Assert.Equal((10, 2, 8, 1), await stock.StockOf(sku));
    }

    [Theory]
    //          holder          -> could a script have written it?
    [InlineData("u:user-1", true)]
    [InlineData("c:cart|1", true)]
    [InlineData("s:shopper|cart", true)]
    [InlineData("s:shopper|cart|1", true)]
    [InlineData("s:shopper", false)]
    [InlineData("s:|cart", false)]
    [InlineData("s:shopper|", false)]
    [InlineData("x:user-1", false)]
    [InlineData("u:", false)]
    public void Holder_text_of_every_kind_is_recognized(string text, bool known) =>
        Assert.Equal(known, Names.IsHolder(text));

    [Fact]
    public async Task A_cart_of_one_shopper_never_belongs_to_another_shopper()
    {
        var sku = await stock.SkuAsync(10, limit: 2);
        Holder[] carts = [Holder.ShopperCart("s", "cart"), Holder.ShopperCart("t", "cart"), Holder.Cart("cart")];

        foreach (var cart in carts)
        {
            var held = await stock.Engine.Holds.AdjustAsync(cart, new(sku, 2), TimeSpan.FromMinutes(10), null);
            Assert.Equal((AdjustOutcome.Held, cart), (held.Outcome, held.Reservation!.Holder));
        }

        Assert.Equal(
            ReleaseOutcome.NotFound,
            (await stock.Engine.Holds.ReleaseAsync(Holder.ShopperCart("u", "cart"), sku, null)).Outcome);
        Assert.Equal((10, 6, 4, 3), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_replacement_can_take_the_units_that_it_frees()
    {
        var sku = await stock.SkuAsync(3);
        var first = await stock.ReserveAsync("me", new Line(sku, 3));

        var second = await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("me", new Line(sku, 2)) with { OnExisting = OnExisting.Replace });

        Assert.Equal(ReserveOutcome.Held, second.Outcome);
        Assert.Equal((3, 2, 1, 1), await stock.StockOf(sku));
        Assert.Equal(
            ReservationStatus.Released,
            (await stock.Engine.Holds.FindAsync(first.Reservation!.Id)).Reservation!.Status);
    }

    [Fact]
    public async Task Replacements_do_not_live_longer_together_than_one_hold_may()
    {
        var engine = stock.With(new() { MaxLifetime = TimeSpan.FromMinutes(12) });
        var (sku, other) = (await stock.SkuAsync(9), await stock.SkuAsync(9));
        var first = await engine.Holds.ReserveAsync(EngineFixture.Request("me", new Line(sku, 1)));
        var last = first.DecidedAt + TimeSpan.FromMinutes(12);

        var earlier = await ReplaceAsync(TimeSpan.FromMinutes(5), new Line(sku, 2));
        var capped = await ReplaceAsync(TimeSpan.FromMinutes(12), new Line(sku, 3), new Line(other, 1));
        var again = await ReplaceAsync(TimeSpan.FromMinutes(12), new Line(other, 2));

        Assert.Equal(earlier.DecidedAt + TimeSpan.FromMinutes(5), earlier.Reservation!.ExpiresAt);
        Assert.Equal((last, last), (capped.Reservation!.ExpiresAt, again.Reservation!.ExpiresAt));
        var extended = await engine.Holds.ExtendAsync(again.Reservation.Id, TimeSpan.FromMinutes(1), null);
        Assert.Equal(ExtendOutcome.LifetimeCapped, extended.Outcome);
        // A shop that lowers the limit shortens no hold that shoppers have.
        engine = stock.With(new() { MaxLifetime = TimeSpan.FromMinutes(1) });
        var lowered = await ReplaceAsync(TimeSpan.FromMinutes(12), new Line(other, 3));
        Assert.Equal(last, lowered.Reservation!.ExpiresAt);

        Task<ReserveAnswer> ReplaceAsync(TimeSpan holdFor, params Line[] lines) => engine.Holds.ReserveAsync(
            EngineFixture.Request("me", lines) with { OnExisting = OnExisting.Replace, HoldFor = holdFor });
    }

    [Fact]
    public async Task A_replacement_that_is_refused_leaves_the_old_reservation_alone()
    {
        var sku = await stock.SkuAsync(3);
        var first = await stock.ReserveAsync("me", new Line(sku, 2));

        var second = await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("me", new Line(sku, 4)) with { OnExisting = OnExisting.Replace });

        Assert.Equal((ReserveOutcome.Insufficient, 3), (second.Outcome, second.Available[0].Available));
        Assert.Equal(first.Reservation!.Id, second.Reservation!.Id);
        Assert.Equal((3, 2, 1, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_replacement_releases_whole_reservations_once_each()
    {
        var (a, b, c) = (await stock.SkuAsync(5), await stock.SkuAsync(5), await stock.SkuAsync(5));
        await stock.ReserveAsync("me", new Line(a, 5), new Line(b, 5));
        await stock.ReserveAsync("me", new Line(c, 5));

        var answer = await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("me", new(a, 1), new(b, 1), new(c, 1)) with { OnExisting = OnExisting.Replace });

        Assert.Equal(ReserveOutcome.Held, answer.Outcome);
        foreach (var sku in new[] { a, b, c }) Assert.Equal((5, 1, 4, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task A_customer_with_a_limit_of_two_gets_exactly_two_of_four_parallel_holds()
    {
        var sku = await stock.SkuAsync(100, limit: 2);

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("me", new Line(sku, 1)) with { OnExisting = OnExisting.RefuseUnlessLimited })));

        Assert.Equal(2, answers.Count(answer => answer.Outcome == ReserveOutcome.Held));
        Assert.All(
            answers.Where(answer => answer.Outcome != ReserveOutcome.Held),
            answer => Assert.Equal((ReserveOutcome.LimitExceeded, 2, 2), (answer.Outcome, answer.Limit, answer.Units)));
        Assert.Equal(2, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task An_ended_hold_no_longer_counts_towards_the_limit()
    {
        var sku = await stock.SkuAsync(10, limit: 2);
        var released = await stock.ReserveAsync("me", new Line(sku, 2));
        await stock.Engine.Holds.ReleaseAsync(released.Reservation!.Id, null);
        var due = await stock.ReserveAsync("me", new Line(sku, 2));
        await stock.MakeDueAsync(due.Reservation!);

        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("me", new Line(sku, 2))).Outcome);
    }
}
