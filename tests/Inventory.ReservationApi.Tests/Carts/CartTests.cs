using System.Text.Json;

namespace Inventory.ReservationApi.Tests.Carts;

/// <summary>The cart interface: one hold per cart and SKU, snake_case throughout.</summary>
[Collection(ApiTests.Name)]
public sealed class CartTests(Api api)
{
    [Fact]
    public async Task The_documented_examples_work_unchanged()
    {
        await api.Engine.Levels.SetStockAsync(new("sku-123", 10, 1, null, false));
        var reserved = await api.SendAsync("POST", "/reserve",
            """{"sku":"sku-123","qty":2,"cart_id":"cart-abc","ttl_seconds":120}""");
        var extended = await api.SendAsync("POST", "/extend",
            """{"cart_id":"cart-abc","sku":"sku-123","add_seconds":60}""");
        var released = await api.SendAsync("POST", "/release", """{"cart_id":"cart-abc","sku":"sku-123"}""");

        Assert.Equal((201, 200, 200), (reserved.Status, extended.Status, released.Status));
        Assert.Equal(
            ["reservation_id", "cart_id", "sku", "qty", "status", "expires_at", "expires_in_seconds", "remaining"],
            reserved.Json.EnumerateObject().Select(field => field.Name));
        Assert.Equal(("cart-abc", "sku-123", 2, "pending", 120, 8),
            (Text(reserved, "cart_id"), Text(reserved, "sku"), Number(reserved, "qty"), Text(reserved, "status"),
                Number(reserved, "expires_in_seconds"), Number(reserved, "remaining")));
        Assert.InRange(Number(extended, "expires_in_seconds"), 150, 180);
        Assert.Equal(("released", 0), (Text(released, "status"), Number(released, "expires_in_seconds")));
        Assert.Equal(10, await api.AvailableAsync("sku-123"));
    }

    [Theory]
    //          then  status  available
    [InlineData(2, 200, 8)]
    [InlineData(5, 200, 5)]
    [InlineData(1, 200, 9)]
    [InlineData(10, 200, 0)]
    [InlineData(11, 409, 8)]
    public async Task Reserving_again_sets_the_quantity(int quantity, int status, int available)
    {
        var sku = await api.NewSkuAsync(10);
        var first = await ReserveAsync(sku, 2);
        var second = await ReserveAsync(sku, quantity);

        Assert.Equal(status, second.Status);
        if (status == 200)
        {
            Assert.Equal(Text(first, "reservation_id"), Text(second, "reservation_id"));
            Assert.Equal(Text(first, "expires_at"), Text(second, "expires_at"));
        }
        else
        {
            second.AssertProblem(409, "insufficient-stock");
        }
        Assert.Equal(available, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_hold_that_a_cart_no_longer_has_is_neither_extended_nor_released()
    {
        var sku = await api.NewSkuAsync(10);
        var held = await ReserveAsync(sku, 2);
        await api.ExpireAsync(sku, held.Json.GetProperty("reservation_id").GetGuid());
        var extended = await api.SendAsync("POST", "/extend", $$"""{"cart_id":"c","sku":"{{sku}}","add_seconds":60}""");
        var released = await api.SendAsync("POST", "/release", $$"""{"cart_id":"c","sku":"{{sku}}"}""");
        // The first call finds the hold due and expires it.
        extended.AssertProblem(409, "hold-expired");
        released.AssertProblem(404, "reservation-not-found");
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Theory]
    [InlineData(true, null, 409, "sku-paused")]
    [InlineData(false, 1, 409, "limit-exceeded")]
    public async Task A_cart_is_refused_a_paused_or_limited_SKU(bool paused, int? limit, int status, string slug) =>
        (await ReserveAsync(await api.NewSkuAsync(10, limit, paused), 2)).AssertProblem(status, slug);

    [Fact]
    public async Task A_cart_and_a_customer_with_the_same_name_are_different_holders()
    {
        var sku = await api.NewSkuAsync(10);
        Assert.Equal(201, (await ReserveAsync(sku, 2)).Status);
        Assert.Equal(201, (await api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "c", 1))).Status);
    }

    [Fact]
    public async Task A_carts_hold_is_found_by_its_id()
    {
        var held = await ReserveAsync(await api.NewSkuAsync(10), 2);
        var found = await api.SendAsync("GET", $"/api/reservations/{Text(held, "reservation_id")}");
        Assert.Equal((200, "c"), (found.Status, Text(found, "cartId")));
        Assert.False(found.Json.TryGetProperty("customerId", out _));
    }

    [Fact]
    public async Task A_snapshot_is_in_snake_case()
    {
        var sku = await api.NewSkuAsync(10, maxPerCustomer: 4);
        await ReserveAsync(sku, 3);
        var answer = await api.SendAsync("GET", $"/snapshot/{sku}");
        Assert.Equal((200, 10, 3, 7, 4), (answer.Status, Number(answer, "total"), Number(answer, "reserved"),
            Number(answer, "available"), Number(answer, "max_per_customer")));
    }

    [Fact]
    public async Task Events_come_newest_first_and_at_most_as_many_as_requested()
    {
        var sku = await api.NewSkuAsync(10);
        await ReserveAsync(sku, 2);
        await ReserveAsync(sku, 3);
        await api.SendAsync("POST", "/release", $$"""{"cart_id":"c","sku":"{{sku}}"}""");

        var events = (await api.SendAsync("GET", "/events?limit=1000")).Json.GetProperty("events").EnumerateArray()
            .Where(one => one.GetProperty("items")[0].GetProperty("sku").GetString() == sku).ToList();
        Assert.Equal(["released", "adjusted", "reserved", "stock-set"], events.Select(Type));
        Assert.Equal([3, 2, 1, 0], events.Select(one => one.GetProperty("sequence").GetInt32()));
        Assert.Equal("c", events[0].GetProperty("cart_id").GetString());
        Assert.Equal(3, events[1].GetProperty("items")[0].GetProperty("qty").GetInt32());
        Assert.False(events[3].TryGetProperty("reservation_id", out _));

        var one = (await api.SendAsync("GET", "/events?limit=1")).Json.GetProperty("events");
        Assert.Equal(1, one.GetArrayLength());

        // One by one, each page begins where the one before it has ended.
        List<string?> paged = [];
        var page = await api.SendAsync("GET", "/events?limit=1");
        while (paged.Count < events.Count)
        {
            paged.Add(page.Json.GetProperty("events")[0].GetProperty("id").GetString());
            page = await api.SendAsync("GET", $"/events?limit=1&before={Text(page, "next_before")}");
        }

        Assert.Equal(events.Select(each => each.GetProperty("id").GetString()), paged);
        var last = (await api.SendAsync("GET", $"/events?before={paged[^1]}")).Json;
        Assert.All(last.GetProperty("events").EnumerateArray(), each => Assert.DoesNotContain(
            each.GetProperty("id").GetString(), paged));
        Assert.Equal(200, (await api.SendAsync("GET", "/events")).Status);
    }

    private Task<Answer> ReserveAsync(string sku, int quantity) => api.SendAsync("POST", "/reserve",
        $$"""{"sku":"{{sku}}","qty":{{quantity}},"cart_id":"c"}""");

    private static string? Type(JsonElement one) => one.GetProperty("type").GetString();

    private static string? Text(Answer answer, string field) => answer.Json.GetProperty(field).GetString();

    private static int Number(Answer answer, string field) => answer.Json.GetProperty(field).GetInt32();
}
