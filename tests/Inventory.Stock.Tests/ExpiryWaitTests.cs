namespace Inventory.Stock.Tests;

/// <summary>After an outage, what came due stays until the payments of that time have been worked off.</summary>
public sealed class ExpiryWaitTests(EngineFixture stock) : IClassFixture<EngineFixture>, IAsyncLifetime
{
    private static Partition Only => default;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => stock.Database.KeyDeleteAsync([Only.Heartbeat, Only.Waiting]);

    [Fact]
    public async Task Without_a_fresh_heartbeat_a_due_hold_stays_and_looks_expired_and_only_a_pin_reaches_it()
    {
        var sku = await stock.SkuAsync(2);
        var held = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        await stock.MakeDueAsync(held);
        await stock.Database.StringSetAsync(Only.Heartbeat, 1);

        Assert.Equal(ExpireOutcome.Waiting, (await stock.Engine.ExpireAsync(10)).Outcome);
        Assert.Equal((2, 2, 0, 1), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.Insufficient, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
        Assert.Equal(ReservationStatus.Expired, (await stock.Engine.FindAsync(held.Id)).Reservation!.Status);
        Assert.Equal(
            ExtendOutcome.Ended, (await stock.Engine.ExtendAsync(held.Id, TimeSpan.FromMinutes(1), null)).Outcome);
        Assert.Equal(ReleaseOutcome.Ended, (await stock.Engine.ReleaseAsync(held.Id, null)).Outcome);
        Assert.Equal(PinOutcome.Pinned, (await stock.Engine.PinAsync(held.Id, TimeSpan.FromMinutes(1))).Outcome);
    }

    [Fact]
    public async Task With_a_fresh_heartbeat_it_goes_back()
    {
        var sku = await stock.SkuAsync(2);
        var held = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        await stock.MakeDueAsync(held);
        await stock.Database.StringSetAsync(Only.Heartbeat, 1);
        await stock.Engine.ExpireAsync(10);
        Assert.True(await stock.Database.KeyExistsAsync(Only.Waiting));
        var look = await stock.Engine.LookAsync(Only);

        Assert.Equal(BeatOutcome.OtherEpoch, await stock.Engine.BeatAsync(Only, look with { Epoch = "1:other" }));
        Assert.Equal(BeatOutcome.Late, await stock.Engine.BeatAsync(Only, look with { At = look.At.AddSeconds(-6) }));
        Assert.Equal(ExpireOutcome.Waiting, (await stock.Engine.ExpireAsync(10)).Outcome);
        Assert.Equal(BeatOutcome.Fresh, await stock.Engine.BeatAsync(Only, look));

        Assert.Equal((2, 0, 2, 0), await stock.StockOf(sku));
        Assert.Equal(PinOutcome.Ended, (await stock.Engine.PinAsync(held.Id, TimeSpan.FromMinutes(1))).Outcome);
        Assert.False(await stock.Database.KeyExistsAsync(Only.Waiting));
    }

    [Fact]
    public async Task A_heartbeat_that_stays_away_is_waited_for_half_a_minute_and_no_longer()
    {
        var sku = await stock.SkuAsync(1);
        await stock.MakeDueAsync((await stock.ReserveAsync("me", new Line(sku, 1))).Reservation!);
        await stock.Database.StringSetAsync(Only.Heartbeat, 1);
        var now = (await stock.Engine.NowAsync()).ToUnixTimeMilliseconds();

        await stock.Database.StringSetAsync(Only.Waiting, now - 20_000);
        Assert.Equal(ReserveOutcome.Insufficient, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
        await stock.Database.StringSetAsync(Only.Waiting, now - 30_000);
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
    }

    [Fact]
    public async Task A_cart_whose_old_hold_waits_fills_a_new_one_and_keeps_to_it()
    {
        var (sku, cart) = (await stock.SkuAsync(10), Holder.Cart(Guid.NewGuid().ToString("N")));
        var old = await AdjustAsync(1);
        await stock.MakeDueAsync(old.Reservation!);
        await stock.Database.StringSetAsync(Only.Heartbeat, 1);

        var first = await AdjustAsync(2);
        var second = await AdjustAsync(3);

        Assert.Equal((AdjustOutcome.Held, AdjustOutcome.Adjusted), (first.Outcome, second.Outcome));
        Assert.Equal(first.Reservation!.Id, second.Reservation!.Id);
        Assert.Equal(4, (await stock.StockOf(sku)).Reserved);

        Task<AdjustAnswer> AdjustAsync(int quantity) =>
            stock.Engine.AdjustAsync(cart, new(sku, quantity), TimeSpan.FromMinutes(10), null);
    }
}
