using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>A cancelled order is taken back once; a cancel that comes late is left to the audit.</summary>
public sealed class CancelTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task A_cancelled_order_restores_stock_and_limit_in_one_step()
    {
        var (sku, order) = await BuyAsync(limit: 3);
        Assert.Equal(ReserveOutcome.LimitExceeded, (await stock.ReserveAsync("me" + sku, new Line(sku, 1))).Outcome);

        var before = await stock.Engine.Confirmations.PrepareCancelAsync([sku]);
        var outcome = await CancelAsync(before, order, sku, version: 3);

        Assert.Equal(CancelOrderOutcome.Applied, outcome);
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Outcome);
    }

    [Fact]
    public async Task A_cancel_after_a_rebuild_or_ten_seconds_does_not_change_the_units_bought()
    {
        var (sku, order) = await BuyAsync(limit: 3);
        var before = (await stock.Engine.Confirmations.PrepareCancelAsync([sku])).Single();

        var rebuilt = await CancelAsync([before with { Epoch = "0:another" }], order, sku, version: 3);
        var late = await CancelAsync(
            [before with { At = before.At - ConfirmationStore.CancelPatience - TimeSpan.FromSeconds(1) }],
            order, sku, 3);

        Assert.Equal((CancelOrderOutcome.Rebuilt, CancelOrderOutcome.TooLate), (rebuilt, late));
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.LimitExceeded, (await stock.ReserveAsync("me" + sku, new Line(sku, 1))).Outcome);
    }

    [Fact]
    public async Task An_order_whose_commit_comes_after_its_cancel_counts_towards_no_limit()
    {
        var sku = await stock.SkuAsync(5, limit: 3);
        var held = (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Reservation!;
        await stock.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1));

        var before = await stock.Engine.Confirmations.PrepareCancelAsync([sku]);
        var cancelled = await CancelAsync(before, held, sku, version: 3);
        var committed = await stock.Engine.Confirmations.CommitAsync(held.Id, [new(sku, 2, 2)]);

        Assert.Equal(
            (CancelOrderOutcome.Applied, CommitOutcome.AlreadyCommitted), (cancelled, committed));
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Outcome);
    }

    private async Task<(string Sku, Reservation Order)> BuyAsync(int limit)
    {
        var sku = await stock.SkuAsync(5, limit);
        var held = (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Reservation!;
        await stock.Engine.Confirmations.PinAsync(held.Id, TimeSpan.FromMinutes(1));
        await stock.Engine.Confirmations.CommitAsync(held.Id, [new(sku, 2, 2)]);
        return (sku, held);
    }

    private Task<CancelOrderOutcome> CancelAsync(
        IReadOnlyList<BeforeCancel> before, Reservation order, string sku, long version) =>
        stock.Engine.Confirmations.CancelOrderAsync(before, order.Id, order.Holder, [new(sku, 3, 5, version)]);
}
