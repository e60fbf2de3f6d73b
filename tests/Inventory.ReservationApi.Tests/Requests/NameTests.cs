using System.Text.Json;
using Inventory.Contracts;
using Inventory.ReservationApi.Tests.Availability;

namespace Inventory.ReservationApi.Tests.Requests;

/// <summary>SKUs, customers and carts with names as shops have them, in bodies, in paths and in answers.</summary>
public sealed class NameTests(Shop shop) : IClassFixture<Shop>
{
    private const string Customer = "gid://shopify/Customer/1";

    public static TheoryData<string> Skus =>
    [
        "a/b", "a b", "a+b", "Größe 38/40", "日本", "x{y}", "cap:1,mug", "100%", "100%41", "a%2Fb", "a%2fb", "%", "%25",
        @"a\b", "a?b#c", "../etc", "a=1&b=2", "\"quoted\"", "<b>", "'; DROP TABLE products", "😀", "{inv:0}:due",
    ];

    [Theory]
    [MemberData(nameof(Skus))]
    public async Task A_product_is_made_sold_and_read_under_its_name(string sku)
    {
        var path = Uri.EscapeDataString(sku);

        var created = await shop.SendAsync(
            "PUT", $"/api/products/{path}", """{"name":"Something","total":5}""", "If-None-Match: *");
        Assert.True(created.Status == 201, created.Text);
        Assert.Equal(sku, created.Json.GetProperty("sku").GetString());
        var held = await shop.SendAsync("POST", "/api/reservations", JsonSerializer.Serialize(new
        {
            customerId = Customer,
            items = new[] { new { sku, quantity = 2 } },
        }));
        Assert.True(held.Status == 201, held.Text);
        Assert.Equal(Customer, held.Json.GetProperty("customerId").GetString());
        Assert.Equal(sku, held.Json.GetProperty("items")[0].GetProperty("sku").GetString());
        Assert.Equal(
            [(sku, 2)],
            TakenUnitsText.Read(held.Header(InventoryHeaders.UnitsTaken)!));
        var id = held.Json.GetProperty("reservationId").GetGuid();
        var found = await shop.SendAsync("GET", $"/api/reservations/{id}");
        Assert.Equal((200, sku), (found.Status, found.Json.GetProperty("items")[0].GetProperty("sku").GetString()));

        using (var stream = await StockStream.OpenAsync(shop.Api.Http, sku))
        {
            Assert.Equal(sku, (await stream.NextAsync())!.Data.GetProperty("sku").GetString());
        }

        foreach (var where in new[] { "/api/stock/", "/snapshot/", "/api/products/" })
        {
            var read = await shop.SendAsync("GET", where + path);
            Assert.True(read.Status == 200, read.Text);
            Assert.Equal((sku, 3),
                (read.Json.GetProperty("sku").GetString(), read.Json.GetProperty("available").GetInt32()));
        }

        var cart = await shop.SendAsync("POST", "/reserve", JsonSerializer.Serialize(
            new { sku, qty = 1, cart_id = Customer }));
        Assert.Equal((201, sku), (cart.Status, cart.Json.GetProperty("sku").GetString()));
        var released = await shop.SendAsync("POST", "/release", JsonSerializer.Serialize(
            new { sku, cart_id = Customer }));
        Assert.True(released.Status == 200, released.Text);
        var adjusted = await shop.SendAsync("POST", $"/api/products/{path}/adjustments",
            """{"quantity":1,"reason":"received","reference":"shelf"}""");
        Assert.True(adjusted.Status == 201, adjusted.Text);
        var movements = await shop.SendAsync("GET", $"/api/products/{path}/movements");
        Assert.Equal((sku, 6),
            (movements.Json.GetProperty("sku").GetString(), movements.Json.GetProperty("total").GetInt32()));
        await EventsAreOfAsync(sku);
    }

    [Fact]
    public async Task Two_names_that_a_route_shows_as_one_text_stay_two()
    {
        await shop.Api.Engine.Levels.SetStockAsync(new("shelf/7", 1, 1, null, false));
        await shop.Api.Engine.Levels.SetStockAsync(new("shelf%2F7", 2, 1, null, false));
        await shop.Api.Engine.Levels.SetStockAsync(new("shelf%2f7", 3, 1, null, false));

        foreach (var (path, total) in new[]
        {
            ("shelf%2F7", 1), ("shelf%2f7", 1), ("sh%65lf%2F7", 1), ("shelf%252F7", 2), ("shelf%252f7", 3),
            ("shelf%25%32%467", 2),
        })
        {
            var read = await shop.SendAsync("GET", $"/api/stock/{path}?as=shelf%252F7/shelf%2F7");
            Assert.Equal((path, 200, total), (path, read.Status, read.Json.GetProperty("total").GetInt32()));
        }
    }

    [Fact]
    public async Task One_idempotency_key_for_two_such_names_is_refused_for_the_second()
    {
        foreach (var path in new[] { "box%2F7", "box%252F7" })
        {
            Assert.Equal(201, (await shop.SendAsync(
                "PUT", $"/api/products/{path}", """{"name":"Box","total":5}""", "If-None-Match: *")).Status);
        }

        Assert.Equal(201, (await shop.AdjustAsync("box%2F7", 1, "delivery", "key-box")).Status);
        Assert.Equal(201, (await shop.AdjustAsync("box%2F7", 1, "delivery", "key-box")).Status);
        (await shop.AdjustAsync("box%252F7", 1, "delivery", "key-box")).AssertProblem(422, "idempotency-key-reused");

        Assert.Equal(6, (await shop.Api.Engine.Levels.SnapshotAsync("box/7")).Total);
        Assert.Equal(5, (await shop.Api.Engine.Levels.SnapshotAsync("box%2F7")).Total);
    }

    [Fact]
    public async Task A_refusal_names_the_SKU_and_the_rule()
    {
        var unknown = await shop.SendAsync("GET", "/api/stock/no%20such%2Fthing");
        unknown.AssertProblem(404, "unknown-sku");
        Assert.Equal("no such/thing", unknown.Json.GetProperty("sku").GetString());

        var bad = await shop.SendAsync("GET", "/api/stock/Gro%CC%88%C3%9Fe");
        bad.AssertProblem(400, "validation");
        Assert.Contains("normalization form C (NFC)", bad.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_are_case_sensitive()
    {
        await shop.Api.Engine.Levels.SetStockAsync(new("Mug", 1, 1, null, false));

        Assert.Equal(200, (await shop.SendAsync("GET", "/api/stock/Mug")).Status);
        Assert.Equal(404, (await shop.SendAsync("GET", "/api/stock/mug")).Status);
    }

    private async Task EventsAreOfAsync(string sku)
    {
        var events = await shop.SendAsync("GET", "/events?limit=4");
        Assert.Equal(
            ["stock-set 6", "released 1", "reserved 1", "reserved 2"],
            events.Json.GetProperty("events").EnumerateArray().Select(one =>
            {
                var item = Assert.Single(one.GetProperty("items").EnumerateArray());
                Assert.Equal(sku, item.GetProperty("sku").GetString());
                return $"{one.GetProperty("type").GetString()} {item.GetProperty("qty").GetInt32()}";
            }));
    }
}
