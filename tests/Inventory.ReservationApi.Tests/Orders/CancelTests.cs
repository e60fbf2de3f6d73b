using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Testing;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Orders;

/// <summary>A cancelled order does not count for the limit; a corrupt SKU is refused by name.</summary>
public sealed class CancelTests : IAsyncLifetime
{
    private readonly Shop shop = new();

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task A_cancelled_order_no_longer_counts_and_Redis_has_the_counts_that_a_rebuild_would_load()
    {
        var sku = await LimitedAsync(total: 10, limit: 3);
        var first = await BuyAsync(sku, 2);
        await BuyAsync(sku, 1);
        (await ReserveAsync(sku, 1)).AssertProblem(409, "limit-exceeded");

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ =>
            shop.SendAsync("POST", $"/api/orders/{first}/cancel")));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(0, await shop.Api.Engine.Maintenance.LoadUnitsAsync(default, await RebuiltAsync(sku)));
        Assert.Equal([("u:regular", sku, 1L)], await RebuiltAsync(sku));
        Assert.Equal((9, 9, 3), await LevelsOfOrdersAsync(sku));
        (await ReserveAsync(sku, 3)).AssertProblem(409, "limit-exceeded");
        Assert.Equal(201, (await ReserveAsync(sku, 2)).Status);
    }

    [Fact]
    public async Task A_cancellation_that_a_total_has_no_room_for_is_refused_and_may_be_repeated()
    {
        var sku = await LimitedAsync(total: int.MaxValue, limit: 9);
        var order = await BuyAsync(sku, 2);
        Assert.Equal(201, (await shop.AdjustAsync(sku, 1, "delivery")).Status);

        var refused = await shop.SendAsync("POST", $"/api/orders/{order}/cancel");

        refused.AssertProblem(409, "total-out-of-range");
        Assert.Equal(sku, refused.Json.GetProperty("sku").GetString());
        Assert.Contains("at least 1 ", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var kept = await shop.SendAsync("GET", $"/api/orders/{order}");
        Assert.Equal("confirmed", kept.Json.GetProperty("status").GetString());
        Assert.Equal(201, (await shop.AdjustAsync(sku, -1, "room")).Status);
        var cancelled = await shop.SendAsync("POST", $"/api/orders/{order}/cancel");
        Assert.Equal((200, "cancelled"), (cancelled.Status, cancelled.Json.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task A_limit_is_refused_with_all_units_of_a_customer_who_bought_more_than_a_total_can_be()
    {
        var sku = await LimitedAsync(total: int.MaxValue, limit: int.MaxValue);
        await BuyAsync(sku, int.MaxValue);
        Assert.Equal(201, (await shop.AdjustAsync(sku, 9, "delivery")).Status);
        await LimitAsync(sku, null);
        await BuyAsync(sku, 2);
        await LimitAsync(sku, 5);

        var customer = await ReserveAsync(sku, 1);

        customer.AssertProblem(409, "limit-exceeded");
        Assert.Equal(
            (5, int.MaxValue + 2L),
            (customer.Json.GetProperty("limit").GetInt32(), customer.Json.GetProperty("units").GetInt64()));
    }

    [Fact]
    public async Task A_limit_is_refused_with_all_units_of_a_cart_that_bought_more_than_a_total_can_be()
    {
        var sku = await LimitedAsync(total: int.MaxValue, limit: int.MaxValue);
        Task<Answer> ReserveAsync(int quantity) => shop.SendAsync(
            "POST", "/reserve", $$"""{"sku":"{{sku}}","qty":{{quantity}},"cart_id":"cart-{{sku}}"}""");
        Assert.Equal(201, (await ReserveAsync(int.MaxValue)).Status);
        var bought = await shop.SendAsync("POST", "/commit", $$"""{"sku":"{{sku}}","cart_id":"cart-{{sku}}"}""");
        Assert.Equal(200, bought.Status);
        Assert.Equal(201, (await shop.AdjustAsync(sku, 9, "delivery")).Status);
        await LimitAsync(sku, null);
        Assert.Equal(201, (await ReserveAsync(2)).Status);
        await LimitAsync(sku, 5);

        var cart = await ReserveAsync(3);

        cart.AssertProblem(409, "limit-exceeded");
        Assert.Equal(int.MaxValue + 2L, cart.Json.GetProperty("units").GetInt64());
    }

    [Fact]
    public async Task A_corrupt_SKU_is_refused_by_name_and_others_are_sold()
    {
        var (good, bad) = (await shop.Api.NewSkuAsync(5), await shop.Api.NewSkuAsync(5));
        var redis = shop.Api.Get<IConnectionMultiplexer>().GetDatabase();
        await redis.HashSetAsync($"{{inv:0}}:stock:{bad}", "reserved", "many");

        for (var i = 0; i < 5; i++)
        {
            var refused = await shop.SendAsync("POST", "/api/reservations", Api.OneLine(bad, Api.Fresh("user"), 1));
            refused.AssertProblem(503, "stock-unreadable");
            Assert.Contains(bad, refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        }

        (await shop.SendAsync("GET", $"/api/stock/{bad}")).AssertProblem(503, "stock-unreadable");
        Assert.Equal(201, (await shop.SendAsync(
            "POST", "/api/reservations", Api.OneLine(good, Api.Fresh("user"), 5))).Status);
    }

    [Fact]
    public async Task A_confirm_answers_with_its_order_although_its_SKU_was_closed_for_a_repair_meanwhile()
    {
        var (sku, maintenance) = (await LimitedAsync(total: 5, limit: 5), shop.Api.Engine.Maintenance);
        var id = (await ReserveAsync(sku, 2)).Json.GetProperty("reservationId").GetGuid();
        var confirm = () => shop.SendAsync(
            "POST", $"/api/reservations/{id}/confirm", null, "Prefer: return=representation");
        Task<Answer> confirming;
        ClosedSku closed;
        await using (var connection = await shop.Ledger.OpenConnectionAsync())
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var locking = new NpgsqlCommand("LOCK TABLE orders IN SHARE MODE", connection, transaction);
            await locking.ExecuteNonQueryAsync();
            confirming = confirm();
            await Eventually.TrueAsync(async () =>
                (await shop.Api.Engine.Audit.ReadLeasesAsync(default, 1)).Contains(id));
            closed = (await maintenance.CloseSkuAsync(sku))!;
        }

        var order = await confirming;
        var refused = await ReserveAsync(sku, 1);
        await maintenance.ReopenSkuAsync(closed.Scope);

        Assert.Equal(200, order.Status);
        refused.AssertProblem(503, "stock-unreadable");
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        var again = await confirm();
        Assert.Equal(order.Json.GetProperty("orderId").GetGuid(), again.Json.GetProperty("orderId").GetGuid());
        var stock = await shop.Api.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((3, 0), (stock.Total, stock.Reserved));
    }

    private async Task<string> LimitedAsync(int total, int limit)
    {
        var sku = Api.Fresh("limited");
        var created = await shop.SendAsync(
            "PUT", $"/api/products/{sku}", $$"""{"name":"n","total":{{total}},"maxPerCustomer":{{limit}}}""",
            "If-None-Match: *");
        Assert.Equal(201, created.Status);
        return sku;
    }

    private async Task LimitAsync(string sku, int? limit)
    {
        var product = await shop.SendAsync("GET", $"/api/products/{sku}");
        var limited = limit is null ? "" : $",\"maxPerCustomer\":{limit}";
        var changed = await shop.SendAsync(
            "PUT", $"/api/products/{sku}", $$"""{"name":"n"{{limited}}}""", $"If-Match: {product.Headers.ETag}");
        Assert.Equal(200, changed.Status);
    }

    private Task<Answer> ReserveAsync(string sku, int quantity) =>
        shop.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "regular", quantity));

    private async Task<Guid> BuyAsync(string sku, int quantity)
    {
        var id = (await ReserveAsync(sku, quantity)).Json.GetProperty("reservationId").GetGuid();
        return (await shop.SendAsync(
            "POST", $"/api/reservations/{id}/confirm", null, "Prefer: return=representation"))
            .Json.GetProperty("orderId").GetGuid();
    }

    private async Task<List<(string Owner, string Sku, long Units)>> RebuiltAsync(string sku)
    {
        var bought = new List<(string, string, long)>();
        await foreach (var one in new HoldRows(shop.Ledger).ReadBoughtAsync([], sku: null, CancellationToken.None))
        {
            if (one.Sku == sku) bought.Add((one.Owner, one.Sku, one.Units));
        }

        return bought;
    }

    /// <summary>Totals of both stores, and movements of orders.</summary>
    private async Task<(int Ledger, int Redis, long Movements)> LevelsOfOrdersAsync(string sku) => (
        await shop.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"),
        (await shop.Api.Engine.Levels.SnapshotAsync(sku)).Total,
        await shop.ReadAsync<long>(
            $"SELECT count(*) FROM inventory_movements WHERE sku_id = '{sku}' AND order_id IS NOT NULL"));
}
