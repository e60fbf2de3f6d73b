using Inventory.Ledger;
using Inventory.Settlement;
using Inventory.Stock;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Payments;

/// <summary>Settlements of payments, through the API and with real stores.</summary>
public sealed class PaymentTests(Shop shop) : IClassFixture<Shop>
{
    private readonly Provider provider = new(shop.Api);

    [Fact]
    public async Task A_payment_makes_its_hold_an_order_and_a_repeat_gets_the_same_answer()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 3);

        var first = await provider.ApproveAsync(id, "pay-1", "evt-tour");
        var again = await provider.ApproveAsync(id, "pay-1", "evt-tour");
        var orderId = first.Json.GetProperty("orderId").GetGuid();
        var order = await shop.SendAsync("GET", $"/api/orders/{orderId}");
        var byReservation = await shop.SendAsync("GET", $"/api/reservations/{id}/order");
        var confirmed = await shop.SendAsync(
            "POST", $"/api/reservations/{id}/confirm", null, "Prefer: return=representation");

        Assert.Equal((200, "confirmed"), (first.Status, Outcome(first)));
        Assert.Equal((200, first.Text), (again.Status, again.Text));
        Assert.Equal(
            ("pay-1", "confirmed"),
            (order.Json.GetProperty("paymentId").GetString(), order.Json.GetProperty("status").GetString()));
        Assert.Equal([order.Text, order.Text], [byReservation.Text, confirmed.Text]);
        Assert.Equal((7, 7, 1), await LevelsAsync(sku));
        Assert.Equal(1, await CountAsync($"payment_events WHERE reservation_id = '{id}' AND outcome = 'confirmed'"));
    }

    [Fact]
    public async Task A_failed_payment_changes_nothing_before_and_after_an_approved_one()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 3);

        var failed = await provider.FailAsync(id, "pay-1");
        var status = (await shop.Api.Engine.Holds.FindAsync(id)).Reservation!.Status;
        var approved = await provider.ApproveAsync(id, "pay-2");
        var late = await provider.FailAsync(id, "pay-2");

        Assert.Equal(ReservationStatus.Pending, status);
        Assert.Equal(["noted", "confirmed", "noted"], new[] { failed, approved, late }.Select(Outcome));
        Assert.Equal((7, 7, 1), await LevelsAsync(sku));
        Assert.Empty(await RefundsAsync(id));
    }

    [Theory]
    //   units left  ->  outcome   refunds
    [InlineData(3, "revived", 0)]
    [InlineData(2, "refund-required", 1)]
    public async Task A_late_payment_is_revived_or_refunded_once(int left, string outcome, int refunds)
    {
        var (sku, _) = await shop.NewProductAsync(3);
        var id = await shop.Api.HoldAsync(sku, 3);
        await shop.Api.ExpireAsync(sku, id);
        Assert.Equal(3, await shop.Api.AvailableAsync(sku));
        if (left < 3) await shop.Api.HoldAsync(sku, 3 - left);

        // Concurrent repeats of one event, and other events of the same payment.
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            provider.ApproveAsync(id, "pay-1", i % 2 == 0 ? $"evt-late-{left}" : null)));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Contains(outcome, answers.Select(Outcome));
        Assert.Equal(refunds, (await RefundsAsync(id)).Count);
        Assert.Equal(1 - refunds, await CountAsync($"orders WHERE reservation_id = '{id}'"));
        Assert.Single(answers.Where((_, i) => i % 2 == 0).Select(answer => answer.Text).Distinct());
        var sold = refunds == 0 ? 3 : 0;
        Assert.Equal((3 - sold, 3 - sold, 1 - refunds), await LevelsAsync(sku));
        Assert.Equal(refunds == 0 ? 0 : 1, (await shop.Api.Engine.Levels.SnapshotAsync(sku)).Reserved);
    }

    [Fact]
    public async Task A_late_payment_is_settled_once_while_stock_changes()
    {
        var (sku, _) = await shop.NewProductAsync(1_000);
        var ids = await HoldManyAsync(sku, 100, 2);
        foreach (var id in ids) await shop.Api.ExpireAsync(sku, id);
        await shop.Api.AvailableAsync(sku);
        // Some payments fit and some don't, because other holds are made and released meanwhile.
        await HoldManyAsync(sku, 90, 10);
        var others = ids.Select(async (_, i) =>
        {
            var mine = Guid.NewGuid();
            await shop.Api.Engine.Holds.ReserveAsync(new()
            {
                Id = mine,
                Holder = Holder.Customer(Api.Fresh("other")),
                Lines = [new(sku, 1 + (i % 5))],
                HoldFor = TimeSpan.FromMinutes(5),
            });
            await shop.Api.Engine.Holds.ReleaseAsync(mine, null);
        });
        var payments = ids.SelectMany(id => Enumerable.Range(0, 3).Select(_ => provider.ApproveAsync(id, "pay-1")));
        await Task.WhenAll([.. others, .. payments]);

        foreach (var id in ids)
        {
            var orders = await CountAsync($"orders WHERE reservation_id = '{id}'");
            Assert.Equal(1, orders + (await RefundsAsync(id)).Count);
        }

        var sold = 2 * await CountAsync(
            $"orders JOIN order_items ON order_id = id WHERE sku_id = '{sku}'");
        var stock = await shop.Api.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((1_000 - sold, 900), (stock.Total, stock.Reserved));
        Assert.Equal(1_000 - sold, await shop.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"));
    }

    [Fact]
    public async Task A_late_payment_is_revived_from_the_ledger_after_Redis_lost_its_data()
    {
        var (sku, _) = await shop.NewProductAsync(3);
        var id = await shop.Api.HoldAsync(sku, 2);
        await shop.Api.ExpireAsync(sku, id);
        await shop.Api.AvailableAsync(sku);
        await shop.Api.Get<IConnectionMultiplexer>().GetDatabase()
            .KeyDeleteAsync($"{{inv:0}}:ended:{ReservationKey.Of(id)}");
        var unknown = await provider.ApproveAsync(id, "pay-1", "evt-forgotten");
        // The row that a late materializer stores.
        await shop.ExecuteAsync(
            $$"""
            INSERT INTO reservations
                (reservation_id, partition, holder, status, deadline, lines, sequence, created_at, updated_at)
            VALUES ('{{id}}', 0, 'u:someone', 'expired', now() - interval '1 day',
                '[{"sku":"{{sku}}","quantity":2}]', 2, now() - interval '1 day', now())
            """);

        var known = await provider.ApproveAsync(id, "pay-1", "evt-forgotten");

        Assert.Equal((202, "accepted"), (unknown.Status, Outcome(unknown)));
        Assert.Equal((200, "revived"), (known.Status, Outcome(known)));
        Assert.Equal((1, 1, 1), await LevelsAsync(sku));
    }

    [Fact]
    public async Task A_payment_of_an_unknown_reservation_is_refunded_after_a_timeout()
    {
        var id = Guid.NewGuid();
        var first = await provider.ApproveAsync(id, "pay-1");
        var pending = await shop.SendAsync("GET", $"/api/reservations/{id}/order");
        await shop.Api.Get<PaymentSettler>().SettleAsync(CancellationToken.None);
        Assert.Empty(await RefundsAsync(id));

        await shop.ExecuteAsync(
            $"""
            UPDATE payment_events SET received_at = now() - interval '16 minutes', next_attempt_at = now()
            WHERE reservation_id = '{id}'
            """);
        await shop.Api.Get<PaymentSettler>().SettleAsync(CancellationToken.None);

        Assert.Equal((202, "pending"), (first.Status, pending.Json.GetProperty("status").GetString()));
        Assert.Equal(["reservation-unknown"], await RefundsAsync(id));
        (await shop.SendAsync("GET", $"/api/reservations/{id}/order")).AssertProblem(404, "order-not-found");
    }

    [Fact]
    public async Task A_payment_of_a_released_cancelled_or_paid_reservation_is_refunded()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var (released, paid, cancelled) =
            (await shop.Api.HoldAsync(sku, 1), await shop.Api.HoldAsync(sku, 1), await shop.Api.HoldAsync(sku, 1));
        await shop.SendAsync("DELETE", $"/api/reservations/{released}");
        await provider.ApproveAsync(paid, "pay-1");
        var order = (await shop.SendAsync(
            "POST", $"/api/reservations/{cancelled}/confirm", null, "Prefer: return=representation"))
            .Json.GetProperty("orderId").GetGuid();
        await shop.SendAsync("POST", $"/api/orders/{order}/cancel");

        var answers = new[]
        {
            await provider.ApproveAsync(released, "pay-1"), await provider.ApproveAsync(paid, "pay-2"),
            await provider.ApproveAsync(cancelled, "pay-1"), await provider.ApproveAsync(cancelled, "pay-1"),
        };

        Assert.All(answers, answer => Assert.Equal((200, "refund-required"), (answer.Status, Outcome(answer))));
        Assert.Equal(["reservation-released"], await RefundsAsync(released));
        Assert.Equal(["already-paid"], await RefundsAsync(paid));
        Assert.Equal(["order-cancelled"], await RefundsAsync(cancelled));
        Assert.Equal((9, 9, 3), await LevelsAsync(sku));
    }

    [Fact]
    public async Task A_cancelled_order_returns_its_units_and_its_payment_once()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 4);
        var order = (await provider.ApproveAsync(id, "pay-1")).Json.GetProperty("orderId").GetGuid();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ =>
            shop.SendAsync("POST", $"/api/orders/{order}/cancel", """{"reason":"customer-left"}""")));

        Assert.All(answers, answer => Assert.Equal((200, "cancelled"),
            (answer.Status, answer.Json.GetProperty("status").GetString())));
        Assert.Equal((10, 10, 2), await LevelsAsync(sku));
        Assert.Equal(["order-cancelled"], await RefundsAsync(id));
        (await shop.SendAsync("POST", $"/api/orders/{Guid.NewGuid()}/cancel")).AssertProblem(404, "order-not-found");
        (await shop.SendAsync("POST", $"/api/orders/{order}/cancel", """{"reason":" "}"""))
            .AssertProblem(400, "validation");
    }

    [Fact]
    public async Task A_refund_has_the_amount_of_the_approved_payment_and_not_of_an_attempt_that_failed()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 1);
        await provider.SendAsync(Provider.Payment("payment.failed", id, "pay-1", "500", "\"EUR\""));
        Assert.Equal(ReleaseOutcome.Released, (await shop.Api.Engine.Holds.ReleaseAsync(id, null)).Outcome);

        var answer = await provider.SendAsync(Provider.Payment("payment.approved", id, "pay-1", "1990", "\"USD\""));

        Assert.Equal("refund-required", Outcome(answer));
        Assert.Equal("1990 USD", await shop.ReadAsync<string>(
            $"""
            SELECT (payload ->> 'amount') || ' ' || (payload ->> 'currency') FROM outbox
            WHERE kind = 'refund_required' AND payload ->> 'reservationId' = '{id}'
            """));
    }

    [Fact]
    public async Task A_concurrent_confirm_and_webhook_make_one_order_with_one_answer()
    {
        var (sku, _) = await shop.NewProductAsync(1_000);
        var ids = await HoldManyAsync(sku, 1_000, 1);

        var crowd = new ParallelOptions { MaxDegreeOfParallelism = 32 };
        await Parallel.ForEachAsync(ids, crowd, async (id, _) =>
        {
            var webhook = provider.ApproveAsync(id, "pay-1");
            var confirm = shop.SendAsync(
                "POST", $"/api/reservations/{id}/confirm", """{"paymentId":"pay-1"}""",
                "Prefer: return=representation");
            var (paid, confirmed) = (await webhook, await confirm);
            Assert.Equal((200, 200), (paid.Status, confirmed.Status));
            Assert.Equal("confirmed", Outcome(paid));
            Assert.Equal(
                paid.Json.GetProperty("orderId").GetGuid(), confirmed.Json.GetProperty("orderId").GetGuid());
        });

        Assert.Equal((0, 0, 1_000), await LevelsAsync(sku));
        Assert.Equal(0, (await shop.Api.Engine.Levels.SnapshotAsync(sku)).Reserved);
        var mine = string.Join(',', ids);
        Assert.Equal(0, await CountAsync($"outbox WHERE payload ->> 'reservationId' = ANY('{{{mine}}}')"));
    }

    private static string? Outcome(Answer answer) => answer.Json.GetProperty("outcome").GetString();

    private async Task<List<Guid>> HoldManyAsync(string sku, int count, int quantity)
    {
        var ids = new List<Guid>();
        for (var i = 0; i < count; i++)
        {
            ids.Add(Guid.NewGuid());
            var answer = await shop.Api.Engine.Holds.ReserveAsync(new()
            {
                Id = ids[i],
                Holder = Holder.Customer(Api.Fresh("user")),
                Lines = [new(sku, quantity)],
                HoldFor = TimeSpan.FromMinutes(10),
            });
            Assert.Equal(ReserveOutcome.Held, answer.Outcome);
        }

        return ids;
    }

    /// <summary>Totals of ledger and Redis, and movements other than the first delivery.</summary>
    private async Task<(int Ledger, int Redis, int Movements)> LevelsAsync(string sku) => await shop.LevelsAsync(sku)
        is var (ledger, redis, movements) ? (ledger, redis, movements - 1) : default;

    private async Task<List<string>> RefundsAsync(Guid reservation) => [.. await shop.ReadAsync<string[]>(
        $"""
        SELECT coalesce(array_agg(payload ->> 'reason'), '{"{}"}') FROM outbox
        WHERE kind = 'refund_required' AND payload ->> 'reservationId' = '{reservation}'
        """)];

    private async Task<int> CountAsync(string from) => (int)await shop.ReadAsync<long>($"SELECT count(*) FROM {from}");
}
