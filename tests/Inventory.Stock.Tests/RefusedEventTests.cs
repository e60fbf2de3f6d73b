using Inventory.Contracts;
using Inventory.Storage;

namespace Inventory.Stock.Tests;

/// <summary>
/// A change whose event the stream refuses isn't made: a hold without an event would be acknowledged when the request
/// is repeated, and lost with the next rebuild.
/// </summary>
public sealed class RefusedEventTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public enum Change
    {
        Reserve,
        Replace,
        NewCart,
        ChangedCart,
        Extend,
        Release,
        Unpin,
        Revive,
        Stock,
    }

    [Theory]
    [InlineData(Change.Reserve)]
    [InlineData(Change.Replace)]
    [InlineData(Change.NewCart)]
    [InlineData(Change.ChangedCart)]
    [InlineData(Change.Extend)]
    [InlineData(Change.Release)]
    [InlineData(Change.Unpin)]
    [InlineData(Change.Revive)]
    [InlineData(Change.Stock)]
    public async Task A_change_without_an_event_leaves_everything_as_it_was(Change change)
    {
        var sku = await stock.SkuAsync(5);
        var held = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        var pinned = change == Change.Unpin
            ? await stock.Engine.Confirmations.PinAsync(held.Id, Minute)
            : null;
        await FillEventsAsync();
        try
        {
            var before = await stock.DumpAsync();

            var failure = await Assert.ThrowsAsync<CorruptDataException>(() => MakeAsync(change, sku, held, pinned));

            Assert.True(failure.IsBeingRepaired);
            Assert.Equal(before, await stock.DumpAsync());
        }
        finally
        {
            await stock.Database.KeyDeleteAsync(default(Partition).Events);
        }

        await MakeAsync(change, sku, held, pinned);
    }

    [Fact]
    public async Task A_due_hold_that_cannot_be_reported_stays_until_it_can()
    {
        var sku = await stock.SkuAsync(5);
        var held = (await stock.ReserveAsync("me", new Line(sku, 2))).Reservation!;
        await stock.MakeDueAsync(held);
        await FillEventsAsync();

        await stock.Engine.Holds.ExpireAsync(10);
        var before = await stock.StockOf(sku);
        await stock.Database.KeyDeleteAsync(default(Partition).Events);
        await stock.Engine.Holds.ExpireAsync(10);

        Assert.Equal((5, 2, 3, 1), before);
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(1, await stock.Database.StreamLengthAsync(default(Partition).Events));
    }

    private Task MakeAsync(Change change, string sku, Reservation held, PinAnswer? pinned)
    {
        var (holds, confirmations) = (stock.Engine.Holds, stock.Engine.Confirmations);
        var request = EngineFixture.Request("me", new Line(sku, 1));
        return change switch
        {
            Change.Reserve => holds.ReserveAsync(request with { OnExisting = OnExisting.Allow }),
            Change.Replace => holds.ReserveAsync(request with { OnExisting = OnExisting.Replace }),
            Change.NewCart => holds.AdjustAsync(Holder.Cart("new"), new(sku, 1), Minute, null),
            Change.ChangedCart => holds.AdjustAsync(held.Holder, new(sku, 3), Minute, null),
            Change.Extend => holds.ExtendAsync(held.Id, Minute, null),
            Change.Release => holds.ReleaseAsync(held.Id, null),
            Change.Unpin => confirmations.UnpinAsync(held.Id, pinned!.Pins[0]),
            Change.Revive => confirmations.ReviveAsync(
                new(held with { Id = Guid.NewGuid() }, 1, held.ExpiresAt - Minute), Minute),
            Change.Stock => stock.Engine.Levels.SetStockAsync(new(sku, 9, 2, 3, true)),
            _ => throw new ArgumentOutOfRangeException(nameof(change), change, null),
        };
    }

    /// <summary>Gives the last id that there is.</summary>
    private async Task FillEventsAsync() => await stock.Database.StreamAddAsync(
        default(Partition).Events, "by", "hand", "18446744073709551615-18446744073709551615");
}
