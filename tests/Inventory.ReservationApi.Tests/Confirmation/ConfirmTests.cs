using System.Text;
using Inventory.Contracts;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;

namespace Inventory.ReservationApi.Tests.Confirmation;

/// <summary>Holds become orders, with a real Redis and a real PostgreSQL.</summary>
public sealed class ConfirmTests : IAsyncLifetime
{
    private readonly Shop shop = new();

    private Api Api => shop.Api;

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task A_confirmed_hold_is_one_order_for_every_caller()
    {
        var sku = await NewSkuAsync(10);
        var id = await Api.HoldAsync(sku, 3);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            ConfirmAsync(id, """{"paymentId":"pay-1"}""", "return=representation")));
        var bare = await ConfirmAsync(id);

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Equal("return=representation", answers[0].Header("Preference-Applied"));
        Assert.Equal(
            (id, "confirmed", "pay-1", sku, 3),
            (answers[0].Json.GetProperty("reservationId").GetGuid(), answers[0].Json.GetProperty("status").GetString(),
                answers[0].Json.GetProperty("paymentId").GetString(),
                answers[0].Json.GetProperty("items")[0].GetProperty("sku").GetString(),
                answers[0].Json.GetProperty("items")[0].GetProperty("quantity").GetInt32()));
        Assert.Equal((204, 0), (bare.Status, bare.Body.Length));
        Assert.Equal((7, 0, 7), await LevelsAsync(sku));
        var found = await Api.SendAsync("GET", $"/api/reservations/{id}");
        Assert.Equal("confirmed", found.Json.GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_idempotency_key_names_one_confirm()
    {
        var sku = await NewSkuAsync(10);
        var (first, second) = (await Api.HoldAsync(sku, 1), await Api.HoldAsync(sku, 1));
        var key = Api.Fresh("key");

        Assert.Equal(204, (await ConfirmAsync(first, key: key)).Status);
        Assert.Equal(204, (await ConfirmAsync(first, key: key)).Status);
        (await ConfirmAsync(second, key: key)).AssertProblem(422, "idempotency-key-reused");
        (await ConfirmAsync(first, """{"paymentId":"pay-1"}""", key: key))
            .AssertProblem(422, "idempotency-key-reused");
        (await ConfirmAsync(second, key: new string('k', 300))).AssertProblem(400, "validation");

        Assert.Equal((9, 1, 9), await LevelsAsync(sku));
        // Another operation knows the key, too.
        using var release = new HttpRequestMessage(HttpMethod.Delete, $"/api/reservations/{second}");
        release.Headers.Add("Idempotency-Key", key);
        (await Api.SendAsync(release)).AssertProblem(422, "idempotency-key-reused");
    }

    [Fact]
    public async Task A_repeated_confirm_is_answered_after_Redis_lost_its_data()
    {
        var sku = await NewSkuAsync(10);
        var id = await Api.HoldAsync(sku, 3);
        var first = await ConfirmAsync(id, prefer: "return=representation");
        await Api.Redis.KillAsync();
        Api.Redis.LoseData();
        await Api.Redis.RestartAsync();

        var again = await Eventually.GetAsync(
            async () =>
            {
                await Api.Engine.Maintenance.LiftFenceAsync();
                return await ConfirmAsync(id, prefer: "return=representation");
            },
            answer => answer.Status != 503, isTransient: Api.IsReconnecting);

        Assert.Equal((200, first.Text), (again.Status, again.Text));
    }

    [Fact]
    public async Task A_reservation_that_has_ended_or_never_existed_is_refused()
    {
        var sku = await NewSkuAsync(10);
        var (expired, released) = (await Api.HoldAsync(sku, 1), await Api.HoldAsync(sku, 1));
        await Api.ExpireAsync(sku, expired);
        await Api.SendAsync("DELETE", $"/api/reservations/{released}");

        (await ConfirmAsync(expired)).AssertProblem(409, "hold-expired");
        (await ConfirmAsync(released)).AssertProblem(409, "reservation-ended");
        (await ConfirmAsync(Guid.NewGuid())).AssertProblem(404, "reservation-not-found");
        (await ConfirmAsync(released, """{"paymentId":""}""")).AssertProblem(400, "validation");
        Assert.Equal((10, 0, 10), await LevelsAsync(sku));
    }

    [Fact]
    public async Task A_confirm_with_a_total_below_the_held_units_is_refused_and_leaves_the_hold()
    {
        var sku = await NewSkuAsync(10);
        var id = await Api.HoldAsync(sku, 3);
        await shop.ExecuteAsync($"UPDATE inventory SET total = 2 WHERE sku_id = '{sku}'");

        var refused = await ConfirmAsync(id);
        var found = await Api.SendAsync("GET", $"/api/reservations/{id}");
        await shop.ExecuteAsync($"UPDATE inventory SET total = 3 WHERE sku_id = '{sku}'");
        var accepted = await ConfirmAsync(id);

        refused.AssertProblem(409, "not-covered");
        Assert.Equal(sku, refused.Json.GetProperty("sku").GetString());
        Assert.Equal("pending", found.Json.GetProperty("status").GetString());
        Assert.Equal(204, accepted.Status);
        Assert.Equal((0, 0, 0), await LevelsAsync(sku));
    }

    [Fact]
    public async Task Without_PostgreSQL_nothing_is_confirmed_and_a_repeat_succeeds_after_the_outage()
    {
        var sku = await NewSkuAsync(10);
        var id = await Api.HoldAsync(sku, 3);
        await shop.Postgres.KillAsync();

        var refused = await ConfirmAsync(id);
        var health = await Api.SendAsync("GET", "/health");
        await shop.Postgres.RestartAsync();
        shop.Ledger.Clear();
        var accepted = await ConfirmAsync(id);

        refused.AssertProblem(503, "orders-unavailable");
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        Assert.Equal((200, 204), (health.Status, accepted.Status));
        Assert.Equal((7, 0, 7), await LevelsAsync(sku));
    }

    private async Task<Answer> ConfirmAsync(
        Guid id, string? json = null, string? prefer = null, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/reservations/{id}/confirm");
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        if (prefer is not null) request.Headers.Add("Prefer", prefer);
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await Api.SendAsync(request);
    }

    private async Task<string> NewSkuAsync(int total)
    {
        var sku = Api.Fresh("confirmed");
        await shop.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Something')");
        await shop.ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{sku}', {total})");
        await Api.Engine.Levels.SetStockAsync(new StockLevel(sku, total, 1, null, false));
        return sku;
    }

    /// <summary>Total and reserved in Redis, and the total in PostgreSQL.</summary>
    private async Task<(int Total, int Reserved, int Ledger)> LevelsAsync(string sku)
    {
        var snapshot = await Api.Engine.Levels.SnapshotAsync(sku);
        return (
            snapshot.Total, snapshot.Reserved,
            await shop.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"));
    }
}
