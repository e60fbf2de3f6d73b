using Inventory.Contracts;

namespace Inventory.Stock.Tests;

public sealed class ConcurrencyTests(EngineFixture stock) : IClassFixture<EngineFixture>
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_thousand_shoppers_hold_exactly_a_hundred_units(int partitions)
    {
        var engine = await PartitionedAsync(partitions);
        var sku = await stock.SkuAsync(100, engine: engine);

        var answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i =>
            engine.Holds.ReserveAsync(EngineFixture.Request($"user-{i}", new Line(sku, 1)))));

        Assert.Equal(100, answers.Count(answer => answer.Outcome == ReserveOutcome.Held));
        Assert.Equal(900, answers.Count(answer => answer.Outcome == ReserveOutcome.Insufficient));
        Assert.Equal((100, 100, 0, 100), await stock.StockOf(sku, engine));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Carts_of_two_skus_in_both_orders_never_hold_half(int partitions)
    {
        var engine = await PartitionedAsync(partitions);
        var (a, b) = (await stock.SkuAsync(100, engine: engine), await stock.SkuAsync(100, engine: engine));

        var answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => engine.Holds.ReserveAsync(
            EngineFixture.Request($"user-{i}", i % 2 == 0 ? [new(a, 1), new(b, 1)] : [new(b, 1), new(a, 1)]))));

        var held = answers.Count(answer => answer.Outcome == ReserveOutcome.Held);
        Assert.All(
            answers,
            answer => Assert.Contains(answer.Outcome, new[] { ReserveOutcome.Held, ReserveOutcome.Insufficient }));
        Assert.Equal((100, held, 100 - held, held), await stock.StockOf(a, engine));
        Assert.Equal((100, held, 100 - held, held), await stock.StockOf(b, engine));
        // In one partition a cart is one step, so no cart is refused while units are left. Over several partitions, a
        // cart that is about to be undone may have caused the refusal of another.
        if (partitions == 1) Assert.Equal(100, held);
    }

    [Fact]
    public async Task A_cart_over_several_partitions_is_undone_on_the_first_refusal_and_may_try_again()
    {
        var engine = await PartitionedAsync(8);
        var skus = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => stock.SkuAsync(5, engine: engine)));
        var scarce = skus.OrderBy(sku => Partition.Of(sku, 8).Index).Last();
        var key = Idempotency.Create("caller", Guid.NewGuid().ToString(), "body"u8);
        var request = EngineFixture.Request("me", [.. skus.Select(sku => new Line(sku, sku == scarce ? 6 : 1))]) with
        {
            Idempotency = key,
        };

        var refused = await engine.Holds.ReserveAsync(request);

        // Another SKU may be in the same partition, and is then part of the answer.
        Assert.Equal(ReserveOutcome.Insufficient, refused.Outcome);
        var shortOf = refused.Available.Where(line => line.Available < line.Requested);
        Assert.Equal([scarce], shortOf.Select(line => line.Sku));
        foreach (var sku in skus) Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku, engine));

        var retried = await engine.Holds.ReserveAsync(request with
        {
            Lines = [.. skus.Select(sku => new Line(sku, 1))],
            Idempotency = null,
        });
        Assert.Equal(ReserveOutcome.Held, retried.Outcome);
        Assert.Equal(8, retried.Reservation!.Lines.Count);
        Assert.Equal(8, (await engine.Holds.FindAsync(request.Id)).Reservation!.Lines.Count);
        Assert.Equal(
            ExtendOutcome.Extended,
            (await engine.Holds.ExtendAsync(request.Id, TimeSpan.FromMinutes(1), null)).Outcome);
        Assert.Equal(ReleaseOutcome.Released, (await engine.Holds.ReleaseAsync(request.Id, null)).Outcome);
        foreach (var sku in skus) Assert.Equal((5, 0, 5, 0), await stock.StockOf(sku, engine));
    }

    [Fact]
    public async Task A_retry_completes_a_call_that_stopped_between_two_partitions()
    {
        var engine = await PartitionedAsync(8);
        var skus = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => stock.SkuAsync(5, engine: engine)));
        var ordered = skus.OrderBy(sku => Partition.Of(sku, 8).Index).ToArray();
        Assert.True(Partition.Of(ordered[0], 8) != Partition.Of(ordered[^1], 8));
        var key = Idempotency.Create("caller", Guid.NewGuid().ToString(), "body"u8);
        var request = EngineFixture.Request("me", [.. skus.Select(sku => new Line(sku, 1))]) with { Idempotency = key };
        // A crash after the first partition leaves that partition's part and its answer under the key.
        var first = skus.Where(sku => Partition.Of(sku, 8) == Partition.Of(ordered[0], 8));
        await engine.Holds.ReserveAsync(request with { Lines = [.. first.Select(sku => new Line(sku, 1))] });

        var retried = await engine.Holds.ReserveAsync(request);
        var replayed = await engine.Holds.ReserveAsync(request);

        Assert.Equal(
            (ReserveOutcome.Held, false, 8),
            (retried.Outcome, retried.Replayed, retried.Reservation!.Lines.Count));
        Assert.Equal(
            (ReserveOutcome.Held, true, 8),
            (replayed.Outcome, replayed.Replayed, replayed.Reservation!.Lines.Count));
        foreach (var sku in skus) Assert.Equal((5, 1, 4, 1), await stock.StockOf(sku, engine));
    }

    private async Task<StockStores> PartitionedAsync(int partitions)
    {
        var engine = stock.With(new() { Partitions = partitions });
        await engine.Maintenance.LiftFenceAsync();
        return engine;
    }
}
