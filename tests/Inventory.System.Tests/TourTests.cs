using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>A hold becomes an order through the gateway and in both stores, paid in time and late.</summary>
[Collection(nameof(Stack))]
public sealed class TourTests(Stack stack)
{
    private readonly Provider provider = new(stack);

    [Fact]
    public async Task A_paid_hold_becomes_an_order_and_both_stores_have_one_unit_less()
    {
        var sku = await stack.SkuAsync(10);
        var id = await HoldAsync(sku, seconds: 600);

        var paid = await provider.PayAsync(id, "pay-1");

        Assert.Equal("confirmed", (string?)paid["outcome"]);
        using var order = await stack.Gateway.GetAsync(new Uri($"/api/reservations/{id}/order", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, order.StatusCode);
        var shown = (await order.Content.ReadFromJsonAsync<JsonNode>())!;
        Assert.Equal((string?)paid["orderId"], (string?)shown["orderId"]);
        Assert.Equal(
            "9 CONFIRMED pay-1 -1",
            await stack.ReadAsync<string>(
                $"""
                SELECT inventory.total || ' ' || upper(orders.status) || ' ' || orders.payment_id || ' '
                    || sum(movement.quantity)
                FROM orders JOIN inventory_movements movement ON movement.order_id = orders.id
                JOIN inventory ON inventory.sku_id = movement.sku_id
                WHERE orders.reservation_id = '{id}' AND inventory.sku_id = '{sku}'
                GROUP BY inventory.total, orders.status, orders.payment_id
                """));
        await InRedisAsync(sku, total: 9, reserved: 0);
        Assert.Equal("reserved confirmed", await HistoryAsync(id, 2));
        Assert.Equal(
            "confirmed",
            await stack.ReadAsync<string>($"SELECT status FROM reservations WHERE reservation_id = '{id}'"));
    }

    [Fact]
    public async Task A_late_payment_takes_units_that_are_still_available()
    {
        var sku = await stack.SkuAsync(1);
        var id = await ExpiredHoldAsync(sku);

        var paid = await provider.PayAsync(id, "pay-1");

        Assert.Equal("revived", (string?)paid["outcome"]);
        Assert.NotNull((string?)paid["orderId"]);
        await InRedisAsync(sku, total: 0, reserved: 0);
        Assert.Equal(0, await TotalAsync(sku));
        Assert.Equal(0, await RefundsAsync(id));
    }

    [Fact]
    public async Task A_late_payment_without_units_left_is_refunded_once_even_if_its_event_is_repeated()
    {
        var sku = await stack.SkuAsync(1);
        var id = await ExpiredHoldAsync(sku);
        var other = await HoldAsync(sku, seconds: 600);

        var told = new List<JsonNode>();
        for (var i = 0; i < 3; i++) told.Add(await provider.PayAsync(id, "pay-1", $"evt-{id}"));
        told.Add(await provider.PayAsync(id, "pay-1", $"evt-{id}-again"));

        Assert.All(told, each => Assert.Equal(
            ("refund-required", "hold-expired"), ((string?)each["outcome"], (string?)each["reason"])));
        Assert.Equal(1, await RefundsAsync(id));
        // The hold that has the unit now is not affected.
        Assert.Equal("confirmed", (string?)(await provider.PayAsync(other, "pay-2"))["outcome"]);
        await InRedisAsync(sku, total: 0, reserved: 0);
        Assert.Equal(0, await TotalAsync(sku));
    }

    [Fact]
    public async Task Only_recent_events_with_a_valid_signature_count_and_each_counts_once()
    {
        var sku = await stack.SkuAsync(5);
        var id = await HoldAsync(sku, seconds: 600);
        var wrong = Convert.ToBase64String(new byte[32]);

        var forged = await provider.SendAsync(id, "pay-1", $"evt-{id}", secret: wrong);
        var old = await provider.SendAsync(id, "pay-1", $"evt-{id}", age: TimeSpan.FromMinutes(6));

        Assert.Equal(HttpStatusCode.Unauthorized, forged.Status);
        Assert.EndsWith("webhook-signature-invalid", (string?)forged.Answer["type"], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, old.Status);
        Assert.EndsWith(
            "webhook-timestamp-out-of-tolerance", (string?)old.Answer["type"], StringComparison.Ordinal);
        Assert.Equal(0, await stack.ReadAsync<long>(
            $"SELECT count(*) FROM payment_events WHERE reservation_id = '{id}'"));
        await InRedisAsync(sku, total: 5, reserved: 1);

        var first = await provider.PayAsync(id, "pay-1", $"evt-{id}");
        var again = await provider.PayAsync(id, "pay-1", $"evt-{id}");

        Assert.Equal("confirmed", (string?)first["outcome"]);
        Assert.Equal(first.ToJsonString(), again.ToJsonString());
        Assert.Equal(4, await TotalAsync(sku));
    }

    private async Task<Guid> HoldAsync(string sku, int seconds)
    {
        var id = Guid.NewGuid();
        using var response = await stack.PostAsync("/api/reservations", new
        {
            reservationId = id,
            customerId = $"user-{id:N}",
            items = new[] { new { sku, quantity = 1 } },
            ttlSeconds = seconds,
        });
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return id;
    }

    private async Task<Guid> ExpiredHoldAsync(string sku)
    {
        var id = await HoldAsync(sku, seconds: 1);
        await Eventually.EqualAsync(0, async () => (int?)(await stack.SnapshotAsync(sku))["reserved"]);
        Assert.Equal("reserved expired", await HistoryAsync(id, 2));
        return id;
    }

    private Task InRedisAsync(string sku, int total, int reserved) => Eventually.TrueAsync(async () =>
        await stack.SnapshotAsync(sku) is var shown
        && (int?)shown["total"] == total && (int?)shown["reserved"] == reserved);

    private async Task<string> HistoryAsync(Guid id, int events)
    {
        await Eventually.TrueAsync(async () => await stack.ReadAsync<long>(
            $"SELECT count(*) FROM reservation_events WHERE reservation_id = '{id}'") == events);
        return await stack.ReadAsync<string>(
            $"SELECT string_agg(type, ' ' ORDER BY sequence) FROM reservation_events WHERE reservation_id = '{id}'");
    }

    private Task<int> TotalAsync(string sku) =>
        stack.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'");

    private Task<long> RefundsAsync(Guid id) =>
        stack.ReadAsync<long>($"SELECT count(*) FROM outbox WHERE key LIKE 'refund_required:{id}:%'");
}
