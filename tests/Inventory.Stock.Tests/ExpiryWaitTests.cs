using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>Holds that came due in an outage stay until the payments of that time are settled.</summary>
public sealed class ExpiryWaitTests(EngineFixture stock) : IClassFixture<EngineFixture>, IAsyncLifetime
{
    private static Partition Only => default;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => stock.Database.KeyDeleteAsync([Only.Heartbeat, Only.Waiting]);

    [Fact]
    public async Task Without_a_fresh_heartbeat_only_a_pin_can_take_a_due_hold()
    {
        var sku = await stock.SkuAsync(2);
        var held = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        await stock.MakeDueAsync(held);
        await stock.Database.StringSetAsync(Only.Heartbeat, 1);

        Assert.Equal(ExpireOutcome.Waiting, (await stock.Engine.Holds.ExpireAsync(10)).Outcome);
        Assert.Equal((2, 2, 0, 1), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.Insufficient, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
        Assert.Equal(ReservationStatus.Expired, (await stock.Engine.Holds.FindAsync(held.Id)).Reservation!.Status);
        Assert.Equal(
            ExtendOutcome.Ended, (
                await stock.Engine.Holds.ExtendAsync(held.Id, TimeSpan.FromMinutes(1), null)).Outcome);
        Assert.Equal(ReleaseOutcome.Ended, (await stock.Engine.Holds.ReleaseAsync(held.Id, null)).Outcome);
        Assert.Equal(
            PinOutcome.Pinned, (await stock.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1))).Outcome);
    }

    [Fact]
    public async Task With_a_fresh_heartbeat_a_due_hold_expires()
    {
        var sku = await stock.SkuAsync(2);
        var held = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        await stock.MakeDueAsync(held);
        await stock.Database.StringSetAsync(Only.Heartbeat, 1);
        await stock.Engine.Holds.ExpireAsync(10);
        Assert.True(await stock.Database.KeyExistsAsync(Only.Waiting));
        var look = await stock.Engine.Maintenance.VerifyOrFenceAsync(Only);

        Assert.Equal(
            BeatOutcome.OtherEpoch, await stock.Engine.Maintenance.BeatAsync(Only, look with { Epoch = "1:other" }));
        Assert.Equal(BeatOutcome.Late, await stock.Engine.Maintenance.BeatAsync(
            Only, look with { At = look.At.AddSeconds(-6) }));
        Assert.Equal(ExpireOutcome.Waiting, (await stock.Engine.Holds.ExpireAsync(10)).Outcome);
        Assert.Equal(BeatOutcome.Fresh, await stock.Engine.Maintenance.BeatAsync(Only, look));

        Assert.Equal((2, 0, 2, 0), await stock.StockOf(sku));
        Assert.Equal(
            PinOutcome.Ended, (await stock.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1))).Outcome);
        Assert.False(await stock.Database.KeyExistsAsync(Only.Waiting));
    }

    [Fact]
    public async Task Expiry_waits_half_a_minute_for_a_missing_heartbeat_and_no_longer()
    {
        var sku = await stock.SkuAsync(1);
        await stock.MakeDueAsync((await stock.ReserveAsync("me", new Line(sku, 1))).Reservation!);
        await stock.Database.StringSetAsync(Only.Heartbeat, 1);
        var now = (await stock.Engine.Events.NowAsync()).ToUnixTimeMilliseconds();

        await stock.Database.StringSetAsync(Only.Waiting, now - 20_000);
        Assert.Equal(ReserveOutcome.Insufficient, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
        await stock.Database.StringSetAsync(Only.Waiting, now - 30_000);
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("other", new Line(sku, 1))).Outcome);
    }

    [Fact]
    public async Task A_cart_whose_old_hold_waits_for_payments_gets_and_keeps_a_new_hold()
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
            stock.Engine.Holds.AdjustAsync(cart, new(sku, quantity), TimeSpan.FromMinutes(10), null);
    }
}
