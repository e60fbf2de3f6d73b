using Inventory.Contracts;
using Inventory.Testing;

namespace Inventory.Ledger.Tests;

[Collection(OneServer.Name)]
public sealed class AbandonTests(LedgerDatabases databases)
{
    private readonly Confirmations confirmations = new(databases.Shared);

    [Fact]
    public async Task Exactly_one_of_concurrent_abandon_and_confirm_wins()
    {
        var sku = await databases.StockAsync(10_000);
        var elsewhere = new Confirmations(databases.Shared);

        var races = new (ConfirmAnswer Confirmed, AbandonAnswer Abandoned)[500];
        // The server has connections for this many calls besides other tests.
        var crowd = new ParallelOptions { MaxDegreeOfParallelism = 25 };
        await Parallel.ForAsync(0, races.Length, crowd, async (i, _) =>
        {
            var request = ConfirmationTests.Request((sku, 2));
            Task<AbandonAnswer>? abandoning = i % 2 == 0 ? AbandonAsync(elsewhere, request) : null;
            // Some pairs run one after the other, so that both outcomes occur however the races end.
            if (i % 10 == 0) await abandoning!;
            var confirming = confirmations.ConfirmAsync(request, CancellationToken.None);
            if (i % 10 == 1) await confirming;
            abandoning ??= AbandonAsync(elsewhere, request);
            races[i] = (await confirming, await abandoning);
        });

        Assert.All(races, race => Assert.Equal(
            race.Confirmed.Outcome == ConfirmOutcome.Confirmed ? race.Confirmed.Order!.Id : null,
            race.Abandoned.Order?.Id));
        Assert.All(races, race => Assert.Equal(
            race.Abandoned.Abandoned ? ConfirmOutcome.PinAbandoned : ConfirmOutcome.Confirmed, race.Confirmed.Outcome));
        var orders = races.Count(race => race.Confirmed.Order is not null);
        Assert.InRange(orders, 50, 450);
        Assert.Equal(10_000 - (2 * orders), (await databases.Shared.LevelAsync(sku)).Total);
    }

    [Fact]
    public async Task One_abandoned_part_abandons_the_whole_attempt()
    {
        var sku = await databases.StockAsync(10);
        var request = ConfirmationTests.Request((sku, 1)) with { Pins = [new(0, 1), new(3, 5)] };
        await AbandonAsync(confirmations, request);

        var refused = await confirmations.ConfirmAsync(request, CancellationToken.None);
        var otherPart = await confirmations.ConfirmAsync(
            request with { Pins = [new(3, 5)] }, CancellationToken.None);
        var anew = await confirmations.ConfirmAsync(
            request with { Pins = [new(0, 2), new(3, 6)] }, CancellationToken.None);

        Assert.Equal(
            [ConfirmOutcome.PinAbandoned, ConfirmOutcome.PinAbandoned, ConfirmOutcome.Confirmed],
            new[] { refused, otherPart, anew }.Select(answer => answer.Outcome));
        Assert.Equal((9, 2), await databases.Shared.LevelAsync(sku));
    }

    [Fact]
    public async Task An_existing_order_is_not_abandoned_and_the_answer_has_current_totals()
    {
        var sku = await databases.StockAsync(10);
        var request = ConfirmationTests.Request((sku, 1));
        var confirmed = await confirmations.ConfirmAsync(request, CancellationToken.None);
        await databases.Shared.ExecuteAsync($"UPDATE inventory SET total = 50 WHERE sku_id = '{sku}'");

        var answer = await AbandonAsync(confirmations, request);

        Assert.Equal(confirmed.Order!.Id, answer.Order!.Id);
        Assert.Equal([new SkuTotal(sku, 50, 3)], answer.Totals);
    }

    [Fact]
    public async Task Only_decisions_older_than_the_retention_are_pruned()
    {
        var sku = await databases.StockAsync(10);
        var requests = Enumerable.Range(0, 6).Select(_ => ConfirmationTests.Request((sku, 1))).ToList();
        foreach (var request in requests) await AbandonAsync(confirmations, request);
        var ids = string.Join(',', requests.Take(5).Select(request => $"'{request.ReservationId}'"));
        await databases.Shared.ExecuteAsync(
            $"UPDATE pin_decisions SET at = now() - interval '25 hours' WHERE reservation_id IN ({ids})");

        var pruned = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            pruned.Add(await confirmations.PruneDecisionsAsync(
                Confirmations.DecisionRetention, most: 3, CancellationToken.None));
        }

        Assert.Equal([3, 2, 0], pruned);
        var young = await confirmations.ConfirmAsync(requests[5], CancellationToken.None);
        Assert.Equal(ConfirmOutcome.PinAbandoned, young.Outcome);
    }

    [Fact]
    public async Task A_cancelled_order_restores_its_units_once()
    {
        var (one, other) = (await databases.StockAsync(5), await databases.StockAsync(5));
        var request = ConfirmationTests.Request((one, 2), (other, 1));
        await confirmations.ConfirmAsync(request, CancellationToken.None);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CancelAsync(request.ReservationId)));
        var unknown = await CancelAsync(Guid.NewGuid());
        var again = await confirmations.ConfirmAsync(request, CancellationToken.None);

        Assert.Single(answers, answer => answer.Outcome == CancelOutcome.Cancelled);
        Assert.Equal(19, answers.Count(answer => answer.Outcome == CancelOutcome.AlreadyCancelled));
        Assert.All(answers, answer => Assert.Equal(OrderStatus.Cancelled, answer.Order!.Status));
        Assert.Equal(CancelOutcome.NotFound, unknown.Outcome);
        Assert.Equal(
            (ConfirmOutcome.AlreadyConfirmed, OrderStatus.Cancelled), (again.Outcome, again.Order!.Status));
        Assert.Equal((5, 3), await databases.Shared.LevelAsync(one));
        Assert.Equal((5, 3), await databases.Shared.LevelAsync(other));
        Assert.Equal(
            ["-2 sold 3 2", "2 customer-left 5 3"],
            await databases.Shared.ReadAsync<string[]>(
                $"""
                SELECT array_agg(format('%s %s %s %s', quantity, reason, total_after, version_after) ORDER BY id)
                FROM inventory_movements WHERE sku_id = '{one}' AND order_id = '{again.Order.Id}'
                """));
    }

    private static Task<AbandonAnswer> AbandonAsync(Confirmations confirmations, ConfirmRequest request) =>
        confirmations.AbandonAsync(
            request.ReservationId, request.Pins[0].Partition, request.Pins[0].Number, CancellationToken.None);

    private Task<CancelAnswer> CancelAsync(Guid reservationId) =>
        confirmations.CancelOrderAsync(reservationId, "customer-left", CancellationToken.None);
}
