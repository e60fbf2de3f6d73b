using Inventory.Contracts;

namespace Inventory.Stock.Tests;

public sealed class ReserveTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Theory]
    //          total  held  asked -> outcome                     reserved
    [InlineData(10, 0, 3, ReserveOutcome.Held, 3)]
    [InlineData(10, 0, 10, ReserveOutcome.Held, 10)]
    [InlineData(10, 0, 11, ReserveOutcome.Insufficient, 0)]
    [InlineData(10, 8, 2, ReserveOutcome.Held, 10)]
    [InlineData(10, 8, 3, ReserveOutcome.Insufficient, 8)]
    [InlineData(0, 0, 1, ReserveOutcome.Insufficient, 0)]
    public async Task Reserve_holds_what_is_available_and_nothing_else(
        int total, int held, int asked, ReserveOutcome outcome, int reserved)
    {
        var sku = await stock.SkuAsync(total);
        if (held > 0) await stock.ReserveAsync("other", new Line(sku, held));

        var answer = await stock.ReserveAsync("me", new Line(sku, asked));

        Assert.Equal(outcome, answer.Outcome);
        Assert.Equal(reserved, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task A_hold_answers_with_its_deadline_lines_and_what_is_left()
    {
        var sku = await stock.SkuAsync(10);
        var request = EngineFixture.Request("me", new Line(sku, 3));

        var answer = await stock.Engine.Holds.ReserveAsync(request);

        var reservation = answer.Reservation!;
        Assert.Equal(request.Id, reservation.Id);
        Assert.Equal(ReservationStatus.Pending, reservation.Status);
        Assert.Equal(Holder.Customer("me"), reservation.Holder);
        Assert.Equal([new Line(sku, 3)], reservation.Lines);
        Assert.Equal(TimeSpan.FromMinutes(10), reservation.ExpiresAt - answer.DecidedAt);
        Assert.Equal([new LineAvailability(sku, 3, 7)], answer.Available);
    }

    [Fact]
    public async Task A_cart_is_held_completely_or_refused_with_the_stock_of_every_line()
    {
        var (plenty, scarce) = (await stock.SkuAsync(10), await stock.SkuAsync(1));

        var answer = await stock.ReserveAsync("me", new Line(plenty, 2), new Line(scarce, 2));

        Assert.Equal(ReserveOutcome.Insufficient, answer.Outcome);
        Assert.Equal([new(plenty, 2, 10), new LineAvailability(scarce, 2, 1)], answer.Available);
        Assert.Equal((10, 0, 10, 0), await stock.StockOf(plenty));
        Assert.Equal((1, 0, 1, 0), await stock.StockOf(scarce));
    }

    [Fact]
    public async Task Lines_of_one_sku_are_added_up_before_the_check()
    {
        var sku = await stock.SkuAsync(5);

        Assert.Equal(ReserveOutcome.Insufficient, (await stock.ReserveAsync("me", new(sku, 3), new(sku, 3))).Outcome);
        Assert.Equal([new Line(sku, 5)], (await stock.ReserveAsync("me", new(sku, 3), new(sku, 2))).Reservation!.Lines);
        Assert.Equal((5, 5, 0, 1), await stock.StockOf(sku));
    }

    [Fact]
    public async Task An_unknown_sku_refuses_the_whole_cart()
    {
        var sku = await stock.SkuAsync(5);

        var answer = await stock.ReserveAsync("me", new Line(sku, 1), new Line("unheard-of", 1));

        Assert.Equal((ReserveOutcome.UnknownSku, "unheard-of"), (answer.Outcome, answer.Sku));
        Assert.Equal(0, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task A_paused_sku_is_not_sold()
    {
        var sku = await stock.SkuAsync(5, paused: true);

        Assert.Equal(ReserveOutcome.Paused, (await stock.ReserveAsync("me", new Line(sku, 1))).Outcome);
    }

    [Fact]
    public async Task A_total_below_reserved_makes_available_zero_and_keeps_the_holds()
    {
        var sku = await stock.SkuAsync(10);
        await stock.ReserveAsync("me", new Line(sku, 8));

        await stock.Engine.Levels.SetStockAsync(new(sku, 5, 2, null, false));

        Assert.Equal((5, 8, 0, 1), await stock.StockOf(sku));
        var answer = await stock.ReserveAsync("other", new Line(sku, 1));
        Assert.Equal(ReserveOutcome.Insufficient, answer.Outcome);
        Assert.Equal(0, answer.Available[0].Available);
    }

    [Fact]
    public async Task The_same_id_with_the_same_content_holds_once()
    {
        var (a, b) = (await stock.SkuAsync(5), await stock.SkuAsync(5));
        var request = EngineFixture.Request("me", new(a, 1), new(b, 2));
        var first = await stock.Engine.Holds.ReserveAsync(request);

        var again = await stock.Engine.Holds.ReserveAsync(request with { Lines = [new(b, 2), new(a, 1)] });

        Assert.Equal(ReserveOutcome.AlreadyHeld, again.Outcome);
        Assert.Equal(first.Reservation!.ExpiresAt, again.Reservation!.ExpiresAt);
        Assert.Equal(1, (await stock.StockOf(a)).Reserved);
    }

    [Theory]
    [InlineData("other", 1)]
    [InlineData("me", 2)]
    public async Task The_same_id_with_other_content_is_refused(string holder, int quantity)
    {
        var sku = await stock.SkuAsync(5);
        var request = EngineFixture.Request("me", new Line(sku, 1));
        await stock.Engine.Holds.ReserveAsync(request);

        var answer = await stock.Engine.Holds.ReserveAsync(
            request with { Holder = Holder.Customer(holder), Lines = [new(sku, quantity)] });

        Assert.Equal(ReserveOutcome.IdReused, answer.Outcome);
        Assert.Equal(1, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task The_id_of_an_ended_reservation_never_holds_again()
    {
        var sku = await stock.SkuAsync(5);
        var request = EngineFixture.Request("me", new Line(sku, 1));
        await stock.Engine.Holds.ReserveAsync(request);
        await stock.Engine.Holds.ReleaseAsync(request.Id, null);

        var answer = await stock.Engine.Holds.ReserveAsync(request);

        Assert.Equal(ReserveOutcome.Ended, answer.Outcome);
        Assert.Equal(ReservationStatus.Released, answer.Reservation!.Status);
        Assert.Equal(0, (await stock.StockOf(sku)).Reserved);
    }

    [Fact]
    public async Task A_cart_and_a_customer_of_the_same_name_are_different_holders()
    {
        var sku = await stock.SkuAsync(5);
        await stock.ReserveAsync("x", new Line(sku, 1));

        var cart = await stock.Engine.Holds.ReserveAsync(
            EngineFixture.Request("x", new Line(sku, 1)) with { Holder = Holder.Cart("x") });

        Assert.Equal(ReserveOutcome.Held, cart.Outcome);
    }
}
