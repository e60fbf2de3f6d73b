using Inventory.Testing;

namespace Inventory.ReconciliationWorker.Tests.Retention;

/// <summary>A payment gets the right verdict however late it comes, also after the rows about it are deleted.</summary>
public sealed class ArchivedPaymentTests(Stores stores) : IClassFixture<Stores>
{
    private const string LongerThanUnknown = "now() - interval '16 minutes'";

    [Theory]
    [InlineData("expired")]
    [InlineData("released")]
    public async Task A_payment_of_a_deleted_reservation_is_refunded_once(string status)
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var id = await stores.ReservationAsync(status);
        await worker.PruneAsync();
        Assert.Equal((0, 0), await stores.LeftAsync(id));

        await ComesAsync(id, "evt-1");
        await ComesAsync(id, "evt-2");
        await SettledAsync(id, 2);

        Assert.Equal(["refund-required", "refund-required"], await OutcomesAsync(id));
        Assert.Equal(["reservation-unknown 500 EUR"], await RefundsAsync(id));
        Assert.Equal((0, 0), await stores.LeftAsync(id));
    }

    [Fact]
    public async Task A_payment_of_an_order_whose_reservation_is_deleted_pays_the_order()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        var id = await stores.ReservationAsync("confirmed");
        await stores.OrderAsync(id, sku, 1, "u:me");
        await worker.PruneAsync();
        Assert.Equal((0, 0), await stores.LeftAsync(id));

        await ComesAsync(id, "evt-1");
        await SettledAsync(id, 1);

        Assert.Equal(["confirmed"], await OutcomesAsync(id));
        Assert.Empty(await RefundsAsync(id));
        Assert.Equal(
            "pay", await stores.ReadAsync<string>($"SELECT payment_id FROM orders WHERE reservation_id = '{id}'"));
    }

    [Fact]
    public async Task A_refund_is_not_written_again_when_its_event_comes_again_after_it_was_deleted()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var id = await stores.ReservationAsync("released");
        await ComesAsync(id, "evt-1");
        await SettledAsync(id, 1);
        var first = await RefundsAsync(id);
        await stores.ExecuteAsync(
            $"""
            UPDATE payment_events SET processed_at = {OldRowsScene.LongAgo} WHERE reservation_id = '{id}';
            UPDATE outbox SET created_at = {OldRowsScene.LongAgo}, sent_at = {OldRowsScene.LongAgo}
            """);
        await worker.PruneAsync();
        Assert.Empty(await OutcomesAsync(id));
        Assert.Equal((0, 0), await stores.LeftAsync(id));

        await ComesAsync(id, "evt-1");
        await SettledAsync(id, 1);

        Assert.Equal(["reservation-released 500 EUR"], first);
        Assert.Equal(first, await RefundsAsync(id));
    }

    [Fact]
    public async Task The_refund_of_an_order_that_is_cancelled_years_later_has_the_amount()
    {
        await using var worker = await Worker.StartCapturingAsync(stores);
        var sku = await stores.SkuAsync(10);
        var id = await stores.ReservationAsync("confirmed");
        await stores.OrderAsync(id, sku, 1, "u:me");
        await stores.ExecuteAsync($"UPDATE orders SET payment_id = 'pay' WHERE reservation_id = '{id}'");
        await stores.PaymentAsync(id, "pay", "confirmed");
        await worker.PruneAsync();

        await worker.Confirmations.CancelOrderAsync(id, "cancelled", CancellationToken.None);

        Assert.Equal(["order-cancelled 500 EUR"], await RefundsAsync(id));
    }

    private Task<int> ComesAsync(Guid id, string eventId) => stores.ExecuteAsync(
        $"""
        INSERT INTO payment_events (event_id, type, reservation_id, payment_id, occurred_at, received_at, body)
        VALUES ('{eventId}-{id}', 'payment.approved', '{id}', 'pay', now(), {LongerThanUnknown},
            '{OldRowsScene.Body}')
        """);

    private Task SettledAsync(Guid id, int events) => Eventually.EqualAsync(
        (long)events,
        () => stores.ReadAsync<long>(
            $"SELECT count(*) FROM payment_events WHERE reservation_id = '{id}' AND processed_at IS NOT NULL"));

    private Task<string[]> OutcomesAsync(Guid id) => stores.ReadAsync<string[]>(
        $"SELECT coalesce(array_agg(outcome), ARRAY[]::text[]) FROM payment_events WHERE reservation_id = '{id}'");

    private Task<string[]> RefundsAsync(Guid id) => stores.ReadAsync<string[]>(
        $$"""
        SELECT coalesce(array_agg(concat_ws(' ', payload ->> 'reason', payload ->> 'amount', payload ->> 'currency')),
            ARRAY[]::text[])
        FROM outbox WHERE payload ->> 'reservationId' = '{{id}}'
        """);
}
