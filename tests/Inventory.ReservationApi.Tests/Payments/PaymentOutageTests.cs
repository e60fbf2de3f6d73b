using System.Text.RegularExpressions;
using Inventory.Identity;
using Inventory.Settlement;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Payments;

/// <summary>An accepted payment is never lost during an outage of either store.</summary>
public sealed class PaymentOutageTests : IAsyncLifetime
{
    private readonly Shop shop = new();

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task A_payment_during_a_Redis_outage_is_kept_and_settled_afterwards()
    {
        var provider = new Provider(shop.Api);
        var (sku, _) = await shop.NewProductAsync(10);
        var (paid, poisoned) = (await shop.Api.HoldAsync(sku, 3), Guid.NewGuid());
        var settler = shop.Api.Get<PaymentSettler>();
        // The reservation of this payment is unknown: it waits, and must not delay the other one.
        await provider.ApproveAsync(poisoned, "pay-0");
        await shop.Api.Redis.KillAsync();

        var kept = await provider.ApproveAsync(paid, "pay-1", "evt-kept");
        var unsettled = await settler.SettleAsync(CancellationToken.None);
        await shop.Api.Redis.RestartAsync();
        // Reconnected; lift the fence without a rebuild, because the append-only file has everything.
        await Eventually.EqualAsync(
            0,
            async () =>
            {
                await shop.Api.Engine.Maintenance.LiftFenceAsync();
                return await settler.SettleAsync(CancellationToken.None);
            },
            isTransient: Api.IsReconnecting);

        var again = await provider.ApproveAsync(paid, "pay-1", "evt-kept");
        Assert.Equal((202, "accepted"), (kept.Status, kept.Json.GetProperty("outcome").GetString()));
        Assert.Equal(2, unsettled);
        Assert.Equal((200, "confirmed"), (again.Status, again.Json.GetProperty("outcome").GetString()));
        Assert.Equal((7, 7, 2), await shop.LevelsAsync(sku));
        Assert.Equal(ReservationStatus.Confirmed, (await shop.Api.Engine.Holds.FindAsync(paid)).Reservation!.Status);
    }

    [Fact]
    public async Task During_a_Redis_outage_only_the_shopper_who_paid_reads_that_the_order_is_pending()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var (ann, bob) = (ShopperSubject.Create(), ShopperSubject.Create());
        var held = await AsAsync(ann, "POST", "/api/reservations", Api.OneLine(sku, "ann", 3));
        var id = held.Json.GetProperty("reservationId").GetGuid();
        // A row as the materializer stores it.
        await shop.ExecuteAsync(
            $$"""
            INSERT INTO reservations
                (reservation_id, partition, holder, status, deadline, lines, sequence, created_at, updated_at)
            VALUES ('{{id}}', 0, 'u:{{ann}}', 'pending', now() + interval '1 hour',
                '[{"sku": "{{sku}}", "quantity": 3}]', 1, now(), now())
            """);
        await shop.Api.Redis.KillAsync();
        var accepted = await new Provider(shop.Api).ApproveAsync(id, "pay-1");

        var order = await AsAsync(ann, "GET", $"/api/reservations/{id}/order");
        var reservation = await AsAsync(ann, "GET", $"/api/reservations/{id}");

        Assert.Equal((202, 200), (accepted.Status, order.Status));
        Assert.Equal(
            $$"""
            {"reservationId":"{{id}}","customerId":"{{ann}}","status":"pending","paymentId":"pay-1","createdAt":"",
            """ + $$"""
            "items":[{"sku":"{{sku}}","quantity":3}]}
            """,
            Regex.Replace(order.Text, "(?<=\"createdAt\":\")[^\"]+", ""));
        Assert.Equal(503, reservation.Status);
        Assert.NotNull(reservation.Headers.RetryAfter?.Delta);
        (await AsAsync(bob, "GET", $"/api/reservations/{id}/order")).AssertProblem(404, "order-not-found");
    }

    [Fact]
    public async Task A_payment_of_a_hold_unknown_to_PostgreSQL_is_shown_only_to_backends()
    {
        var ann = ShopperSubject.Create();
        var id = Guid.NewGuid();
        await new Provider(shop.Api).ApproveAsync(id, "pay-1");

        var pending = await shop.SendAsync("GET", $"/api/reservations/{id}/order");

        Assert.Equal("pending", pending.Json.GetProperty("status").GetString());
        Assert.Empty(pending.Json.GetProperty("items").EnumerateArray());
        (await AsAsync(ann, "GET", $"/api/reservations/{id}/order")).AssertProblem(404, "order-not-found");
    }

    [Fact]
    public async Task Without_PostgreSQL_the_provider_is_asked_to_retry()
    {
        var provider = new Provider(shop.Api);
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 3);
        await shop.Postgres.KillAsync();

        var refused = await provider.ApproveAsync(id, "pay-1", "evt-1");
        await shop.Postgres.RestartAsync();
        var taken = await Eventually.GetAsync(
            () => provider.ApproveAsync(id, "pay-1", "evt-1"), answer => answer.Status != 503);

        refused.AssertProblem(503, "orders-unavailable");
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        Assert.Equal((200, "confirmed"), (taken.Status, taken.Json.GetProperty("outcome").GetString()));
    }

    private Task<Answer> AsAsync(string shopper, string method, string path, string? json = null) =>
        shop.Api.SendWithAsync(
            method, path, json, ["X-Forwarded-For: 203.0.113.9", $"X-Inventory-Shopper: {shopper}"]);
}
