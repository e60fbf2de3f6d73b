namespace Inventory.Stock.Tests;

/// <summary>A cancelled order counts for nobody, once; and what comes late is left to the audit.</summary>
public sealed class CancelTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task The_units_come_back_and_off_what_the_owner_has_bought_in_one_step()
    {
        var (sku, order) = await BuyAsync(limit: 3);
        Assert.Equal(ReserveOutcome.LimitExceeded, (await stock.ReserveAsync("me" + sku, new Line(sku, 1))).Outcome);

        var before = await stock.Engine.LookBeforeCancelAsync([sku]);
        var outcome = await CancelAsync(before, order, sku, version: 3);

        Assert.Equal(CancelOrderOutcome.Told, outcome);
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Outcome);
    }

    [Fact]
    public async Task A_rebuild_or_ten_seconds_in_between_leave_the_count_alone()
    {
        var (sku, order) = await BuyAsync(limit: 3);
        var before = (await stock.Engine.LookBeforeCancelAsync([sku])).Single();

        var rebuilt = await CancelAsync([before with { Epoch = "0:another" }], order, sku, version: 3);
        var late = await CancelAsync(
            [before with { At = before.At - StockEngine.CancelPatience - TimeSpan.FromSeconds(1) }], order, sku, 3);

        Assert.Equal((CancelOrderOutcome.Rebuilt, CancelOrderOutcome.TooLate), (rebuilt, late));
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.LimitExceeded, (await stock.ReserveAsync("me" + sku, new Line(sku, 1))).Outcome);
    }

    [Fact]
    public async Task An_order_whose_commit_comes_after_its_cancel_counts_for_nobody()
    {
        var sku = await stock.SkuAsync(5, limit: 3);
        var held = (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Reservation!;
        await stock.Engine.PinAsync(held.Id, TimeSpan.FromMinutes(1));

        var before = await stock.Engine.LookBeforeCancelAsync([sku]);
        var cancelled = await CancelAsync(before, held, sku, version: 3);
        var committed = await stock.Engine.CommitAsync(held.Id, [new(sku, 2, 2)]);

        Assert.Equal(
            (CancelOrderOutcome.Told, CommitOutcome.AlreadyCommitted), (cancelled, committed));
        Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku));
        Assert.Equal(ReserveOutcome.Held, (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Outcome);
    }

    private async Task<(string Sku, Reservation Order)> BuyAsync(int limit)
    {
        var sku = await stock.SkuAsync(5, limit);
        var held = (await stock.ReserveAsync("me" + sku, new Line(sku, 3))).Reservation!;
        await stock.Engine.PinAsync(held.Id, TimeSpan.FromMinutes(1));
        await stock.Engine.CommitAsync(held.Id, [new(sku, 2, 2)]);
        return (sku, held);
    }

    private Task<CancelOrderOutcome> CancelAsync(
        IReadOnlyList<BeforeCancel> before, Reservation order, string sku, long version) =>
        stock.Engine.CancelOrderAsync(before, order.Id, order.Holder, [new(sku, 3, 5, version)]);
}
