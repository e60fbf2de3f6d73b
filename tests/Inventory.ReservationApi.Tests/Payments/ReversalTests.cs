using System.Globalization;
using System.Text.Json;

namespace Inventory.ReservationApi.Tests.Payments;

/// <summary>Refunds and disputes that the provider reports, on the order and in the outbox.</summary>
public sealed class ReversalTests(Shop shop) : IClassFixture<Shop>
{
    private readonly Provider provider = new(shop.Api);

    [Theory]
    [InlineData("payment.refunded", "refunds", "payment_refunded")]
    [InlineData("charge.refunded", "refunds", "payment_refunded")]
    [InlineData("payment.disputed", "disputes", "payment_disputed")]
    [InlineData("charge.disputed", "disputes", "payment_disputed")]
    [InlineData("payment.dispute.created", "disputes", "payment_disputed")]
    [InlineData("charge.dispute.created", "disputes", "payment_disputed")]
    public async Task A_reversal_is_shown_on_the_order_and_changes_neither_its_status_nor_its_stock(
        string type, string list, string message)
    {
        var (sku, id, order) = await SellAsync(4);
        var before = await OrderAsync(order);

        var answer = await provider.SendAsync(Provider.Reversal(type, id, "pay-1", 500, "EUR", "re-1"));

        Assert.Equal((200, "noted"), (answer.Status, answer.Json.GetProperty("outcome").GetString()));
        var after = await OrderAsync(order);
        var other = list == "refunds" ? "disputes" : "refunds";
        Assert.Equal(["pay-1 500 EUR re-1 2026-11-30T12:00:00Z"], Reversals(after, list));
        Assert.False(after.TryGetProperty(other, out _));
        Assert.Equal(list == "refunds" ? ["pay-1 500 EUR"] : [], Sums(after));
        Assert.False(before.TryGetProperty(list, out _));
        Assert.Equal("confirmed", after.GetProperty("status").GetString());
        Assert.Equal((6, 6, 2), await shop.LevelsAsync(sku));
        Assert.Equal(
            $"{id} pay-1 {order} 500 EUR re-1",
            await shop.ReadAsync<string>(
                $"""
                SELECT concat_ws(' ', payload ->> 'reservationId', payload ->> 'paymentId', payload ->> 'orderId',
                    payload ->> 'amount', payload ->> 'currency', payload ->> 'reference')
                FROM outbox WHERE kind = '{message}' AND payload ->> 'reservationId' = '{id}'
                """));
        Assert.Equal(after.GetRawText(), (await shop.SendAsync("GET", $"/api/reservations/{id}/order")).Text);
    }

    [Fact]
    public async Task Twenty_copies_of_a_refund_at_once_are_stored_once()
    {
        var (_, id, order) = await SellAsync(1);
        var body = Provider.Reversal("payment.refunded", id, "pay-1", 700);
        var eventId = Api.Fresh("evt");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => provider.SendAsync(body, eventId)));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Equal([$"pay-1 700 EUR {eventId} 2026-11-30T12:00:00Z"], Reversals(await OrderAsync(order), "refunds"));
        Assert.Equal(1, await CountAsync($"payment_events WHERE event_id = '{eventId}'"));
        Assert.Equal(1, await CountAsync($"outbox WHERE payload ->> 'eventId' = '{eventId}'"));
    }

    [Fact]
    public async Task Partial_refunds_add_up_by_payment_and_currency_however_large()
    {
        const long most = 9007199254740991;
        var (_, id, order) = await SellAsync(1);
        foreach (var (payment, amount, currency) in new[]
        {
            ("pay-1", 500, "EUR"), ("pay-1", 200L, "EUR"), ("pay-1", 9, "USD"), ("pay-2", 1, "EUR"),
            ("pay-3", most, "EUR"), ("pay-3", most, "EUR"),
        })
        {
            Assert.Equal(200, (await provider.SendAsync(
                Provider.Reversal("payment.refunded", id, payment, amount, currency))).Status);
        }

        await provider.SendAsync(Provider.Reversal("payment.disputed", id, "pay-1", 300));

        var shown = await OrderAsync(order);
        Assert.Equal(
            ["pay-1 700 EUR", "pay-1 9 USD", "pay-2 1 EUR", $"pay-3 {most} EUR"],
            Sums(shown).Order(StringComparer.Ordinal));
        Assert.Equal((6, 1), (Reversals(shown, "refunds").Count, Reversals(shown, "disputes").Count));
    }

    [Fact]
    public async Task Events_about_one_refund_count_once_with_the_smaller_amount()
    {
        var (_, id, order) = await SellAsync(1);
        foreach (var (type, amount, day) in new[]
        {
            ("payment.refunded", 500, 3), ("charge.refunded", 400, 2), ("payment.refunded", 500, 1),
        })
        {
            await provider.SendAsync(Provider.Reversal(type, id, "pay-1", amount, "EUR", "re-1", day));
        }

        await provider.SendAsync(Provider.Reversal("payment.refunded", id, "pay-1", 1, "EUR", "re-0", 9));

        var shown = await OrderAsync(order);
        Assert.Equal(
            ["pay-1 400 EUR re-1 2026-11-02T12:00:00Z", "pay-1 1 EUR re-0 2026-11-09T12:00:00Z"],
            Reversals(shown, "refunds"));
        Assert.Equal(["pay-1 401 EUR"], Sums(shown));
    }

    [Fact]
    public async Task A_reversal_that_comes_before_its_payment_is_shown_once_there_is_an_order()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 3);

        var early = await provider.SendAsync(Provider.Reversal("payment.refunded", id, "pay-1", 1990));
        var none = await shop.SendAsync("GET", $"/api/reservations/{id}/order");
        var paid = await provider.ApproveAsync(id, "pay-1");

        Assert.Equal((200, 404, 200), (early.Status, none.Status, paid.Status));
        var shown = await OrderAsync(paid.Json.GetProperty("orderId").GetGuid());
        Assert.Equal(["pay-1 1990 EUR"], Sums(shown));
        Assert.Equal((7, 7, 2), await shop.LevelsAsync(sku));
    }

    [Theory]
    //   refunds after the cancellation           ->  status
    [InlineData("", "open")]
    [InlineData("pay-1 1989 EUR", "open")]
    [InlineData("pay-1 1990 EUR", "completed")]
    [InlineData("pay-1 990 EUR,pay-1 1000 EUR", "completed")]
    [InlineData("pay-1 5000 EUR", "completed")]
    [InlineData("pay-1 1990 USD", "open")]
    [InlineData("pay-2 1990 EUR", "open")]
    public async Task A_required_refund_is_completed_when_the_provider_has_refunded_its_amount(
        string refunds, string status)
    {
        var (_, id, order) = await SellAsync(1);
        var cancelled = await shop.SendAsync("POST", $"/api/orders/{order}/cancel");
        await provider.SendAsync(Provider.Reversal("payment.disputed", id, "pay-1", 1990));
        foreach (var refund in refunds.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = refund.Split(' ');
            await provider.SendAsync(Provider.Reversal(
                "payment.refunded", id, parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture), parts[2]));
        }

        Assert.Equal(["pay-1 order-cancelled 1990 EUR open"], Required(cancelled.Json));
        Assert.Equal([$"pay-1 order-cancelled 1990 EUR {status}"], Required(await OrderAsync(order)));
    }

    [Fact]
    public async Task A_required_refund_without_an_amount_is_never_taken_for_completed()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 1);
        var order = (await provider.SendAsync(Provider.Payment("payment.approved", id, "pay-1", "null", "null")))
            .Json.GetProperty("orderId").GetGuid();
        await shop.SendAsync("POST", $"/api/orders/{order}/cancel");

        await provider.SendAsync(Provider.Reversal("payment.refunded", id, "pay-1", 1990));

        var required = Assert.Single((await OrderAsync(order)).GetProperty("refundsRequired").EnumerateArray());
        Assert.Equal("open", required.GetProperty("status").GetString());
        Assert.False(required.TryGetProperty("amount", out _));
    }

    [Theory]
    [InlineData("1990.5")]
    [InlineData("-1")]
    [InlineData("1e30")]
    [InlineData("\"much\"")]
    public async Task An_amount_from_before_amounts_were_checked_is_left_out(string amount)
    {
        var (_, id, order) = await SellAsync(1);
        await shop.SendAsync("POST", $"/api/orders/{order}/cancel");
        // Rows as earlier versions wrote them.
        await shop.ExecuteAsync(
            $$"""
            UPDATE payment_events SET body = jsonb_set(body, '{data,amount}', '{{amount}}')
            WHERE reservation_id = '{{id}}';
            UPDATE outbox SET payload = jsonb_set(payload, '{amount}', '{{amount}}')
            WHERE payload ->> 'reservationId' = '{{id}}'
            """);
        await provider.SendAsync(Provider.Reversal("payment.refunded", id, "pay-1", 1990));

        var shown = await OrderAsync(order);

        Assert.Equal(["pay-1 1990 EUR"], Sums(shown));
        var required = Assert.Single(shown.GetProperty("refundsRequired").EnumerateArray());
        Assert.Equal("open", required.GetProperty("status").GetString());
        Assert.False(required.TryGetProperty("amount", out _));
    }

    [Theory]
    [InlineData("null", "\"EUR\"", "data.amount")]
    [InlineData("1990", "null", "data.currency")]
    [InlineData("null", "null", "data.amount")]
    [InlineData("-1", "\"EUR\"", "data.amount")]
    [InlineData("1.5", "\"EUR\"", "data.amount")]
    [InlineData("9007199254740992", "\"EUR\"", "data.amount")]
    [InlineData("1990", "\"XXX\"", "data.currency")]
    [InlineData("1990", "\"EUR\",\"reference\":7", "data.reference")]
    [InlineData("1990", "\"EUR\",\"reference\":\"\"", "data.reference")]
    [InlineData("1990", "\"EUR\",\"reference\":\"two words\"", "data.reference")]
    public async Task A_reversal_without_a_sound_amount_or_reference_is_refused_and_nothing_is_stored(
        string amount, string currency, string field)
    {
        foreach (var type in new[] { "payment.refunded", "charge.dispute.created" })
        {
            var id = Guid.NewGuid();
            var answer = await provider.SendAsync(Provider.Payment(type, id, "pay-1", amount, currency));

            answer.AssertProblem(400, "validation");
            Assert.True(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Text);
            Assert.Equal(0, await CountAsync($"payment_events WHERE reservation_id = '{id}'"));
        }
    }

    [Fact]
    public async Task Another_event_under_the_id_of_a_reversal_is_refused_and_recorded_once()
    {
        var (_, id, order) = await SellAsync(1);
        var eventId = Api.Fresh("evt");
        var first = Provider.Reversal("payment.refunded", id, "pay-1", 500, "EUR", "re-1");
        Assert.Equal(200, (await provider.SendAsync(first, eventId)).Status);
        string[] others =
        [
            Provider.Reversal("charge.refunded", id, "pay-1", 500, "EUR", "re-1"),
            Provider.Reversal("payment.disputed", id, "pay-1", 500, "EUR", "re-1"),
            Provider.Reversal("payment.refunded", Guid.NewGuid(), "pay-1", 500, "EUR", "re-1"),
            Provider.Reversal("payment.refunded", id, "pay-2", 500, "EUR", "re-1"),
            Provider.Reversal("payment.refunded", id, "pay-1", 501, "EUR", "re-1"),
            Provider.Reversal("payment.refunded", id, "pay-1", 500, "USD", "re-1"),
            Provider.Reversal("payment.refunded", id, "pay-1", 500, "EUR", "re-2"),
            Provider.Reversal("payment.refunded", id, "pay-1", 500, "EUR"),
            Provider.Payment("payment.approved", id, "pay-1", "500", "\"EUR\""),
        ];

        foreach (var other in others)
        {
            (await provider.SendAsync(other, eventId)).AssertProblem(409, "webhook-id-reused");
            (await provider.SendAsync(other, eventId)).AssertProblem(409, "webhook-id-reused");
        }

        Assert.Equal(200, (await provider.SendAsync(first, eventId)).Status);
        Assert.Equal(["pay-1 500 EUR"], Sums(await OrderAsync(order)));
        Assert.Equal(others.Length, await CountAsync(
            $"outbox WHERE kind = 'payment_event_conflict' AND payload ->> 'eventId' = '{eventId}'"));
    }

    [Theory]
    [InlineData("payment.captured")]
    [InlineData("charge.dispute.closed")]
    [InlineData("Payment.Refunded")]
    public async Task An_event_of_another_type_is_not_stored(string type)
    {
        var id = Guid.NewGuid();

        var answer = await provider.SendAsync(Provider.Reversal(type, id, "pay-1", 500));

        Assert.Equal((204, 0), (answer.Status, answer.Body.Length));
        Assert.Equal(0, await CountAsync($"payment_events WHERE reservation_id = '{id}'"));
    }

    /// <summary>An order of some of ten units, paid with 1990 EUR as pay-1.</summary>
    private async Task<(string Sku, Guid Reservation, Guid Order)> SellAsync(int quantity)
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, quantity);
        return (sku, id, (await provider.ApproveAsync(id, "pay-1")).Json.GetProperty("orderId").GetGuid());
    }

    private async Task<JsonElement> OrderAsync(Guid order)
    {
        var answer = await shop.SendAsync("GET", $"/api/orders/{order}");
        Assert.Equal(200, answer.Status);
        return answer.Json;
    }

    private static List<string> Reversals(JsonElement order, string list) =>
        Texts(order, list, "paymentId", "amount", "currency", "reference", "at");

    private static List<string> Sums(JsonElement order) => Texts(order, "refunded", "paymentId", "amount", "currency");

    private static List<string> Required(JsonElement order) =>
        Texts(order, "refundsRequired", "paymentId", "reason", "amount", "currency", "status");

    private static List<string> Texts(JsonElement order, string list, params string[] members) =>
        order.TryGetProperty(list, out var entries)
            ? [.. entries.EnumerateArray().Select(entry => string.Join(' ', members.Select(entry.GetProperty)))]
            : [];

    private async Task<int> CountAsync(string from) => (int)await shop.ReadAsync<long>($"SELECT count(*) FROM {from}");
}
