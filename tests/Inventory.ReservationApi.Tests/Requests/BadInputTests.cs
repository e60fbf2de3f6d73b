using System.Globalization;

namespace Inventory.ReservationApi.Tests.Requests;

/// <summary>An invalid request gets an answer that names the error, and changes no stock.</summary>
[Collection(ApiTests.Name)]
public sealed class BadInputTests(Api api)
{
    private const string Id = "018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10";

    // SKU is a placeholder for a SKU with 10 units on sale.
    //   body                                                               slug, and the field it names
    public static TheoryData<string, string, string?> Reservations => new()
    {
        { "", "malformed-request", null },
        { "   ", "malformed-request", null },
        { "null", "malformed-request", null },
        { "{", "malformed-request", null },
        { "{}}", "malformed-request", null },
        { "{} {}", "malformed-request", null },
        { "hello", "malformed-request", null },
        { "{'customerId':'u'}", "malformed-request", null },
        { "{\"customerId\":\"\u0001\"}", "malformed-request", null },
        { """{"customerId":"u","items":[],}""", "malformed-request", null },
        { """{"customerId":"\ud800","items":[]}""", "malformed-request", null },
        { """{"\ud800":1}""", "malformed-request", null },
        { "[]", "validation", "body" },
        { "1", "validation", "body" },
        { "\"text\"", "validation", "body" },
        { "{}", "validation", "items" },
        { """{"customerId":"u"}""", "validation", "items" },
        { """{"customerId":"u","items":null}""", "validation", "items" },
        { """{"customerId":"u","items":[]}""", "validation", "items" },
        { """{"customerId":"u","items":{}}""", "validation", "items" },
        { """{"customerId":"u","items":"SKU"}""", "validation", "items" },
        { """{"customerId":"u","items":[null]}""", "validation", "items[0].sku" },
        { """{"customerId":"u","items":[1]}""", "validation", "items[0]" },
        { """{"customerId":"u","items":[{}]}""", "validation", "items[0].quantity" },
        { """{"customerId":"u","items":[{"sku":"SKU","quantity":1,"price":1}]}""", "validation", "items[0].price" },
        { """{"customerId":"u","items":[{"sku":"SKU","sku":"SKU","quantity":1}]}""", "validation", "items[0].sku" },
        { """{"customerId":"u","customerId":"v","items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"customerId":null,"items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"customerId":"","items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"customerId":7,"items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"customerId":" a","items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"customerId":"a\u200bb","items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"customerId":"a\tb","items":[{"sku":"SKU","quantity":1}]}""", "validation", "customerId" },
        { """{"CustomerId":"u","items":[{"sku":"SKU","quantity":1}]}""", "validation", "CustomerId" },
        { """{"customerId":"u","productId":"SKU","quantity":1}""", "validation", "productId" },
        { """{"customerId":"u","items":[{"sku":"SKU","quantity":1}],"quantity":1}""", "validation", "quantity" },
        { """{"productId":"SKU","userId":"u"}""", "validation", "quantity" },
        { """{"productId":"SKU","quantity":1}""", "validation", "userId" },
        { """{"userId":"u","quantity":1}""", "validation", "productId" },
        { """{"productId":"SKU","userId":"u","quantity":1,"extra":{"a":[1]}}""", "validation", "extra" },
    };

    public static TheoryData<string, string> Values => new()
    {
        //  replaces one value of a good request             the field it names
        { "\"quantity\":0", "quantity" },
        { "\"quantity\":-1", "quantity" },
        { "\"quantity\":-2147483648", "quantity" },
        { "\"quantity\":1.5", "quantity" },
        { "\"quantity\":1.0", "quantity" },
        { "\"quantity\":1e2", "quantity" },
        { "\"quantity\":2147483648", "quantity" },
        { "\"quantity\":1000000000000000000000000000000", "quantity" },
        { "\"quantity\":\"1\"", "quantity" },
        { "\"quantity\":\"\"", "quantity" },
        { "\"quantity\":true", "quantity" },
        { "\"quantity\":null", "quantity" },
        { "\"quantity\":[1]", "quantity" },
        { "\"quantity\":{}", "quantity" },
        { "\"quantity\":1,\"ttlSeconds\":0", "ttlSeconds" },
        { "\"quantity\":1,\"ttlSeconds\":-5", "ttlSeconds" },
        { "\"quantity\":1,\"ttlSeconds\":3601", "ttlSeconds" },
        { "\"quantity\":1,\"ttlSeconds\":315360000", "ttlSeconds" },
        { "\"quantity\":1,\"ttlSeconds\":9999999999999", "ttlSeconds" },
        { "\"quantity\":1,\"ttlSeconds\":0.5", "ttlSeconds" },
        { "\"quantity\":1,\"ttlSeconds\":\"60\"", "ttlSeconds" },
        { "\"quantity\":1,\"reservationId\":\"abc\"", "reservationId" },
        { "\"quantity\":1,\"reservationId\":\"\"", "reservationId" },
        { "\"quantity\":1,\"reservationId\":7", "reservationId" },
        { "\"quantity\":1,\"reservationId\":\"{018f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10}\"", "reservationId" },
        { "\"quantity\":1,\"reservationId\":\"018f4e5c7d2a7c319a540f6d3b2c1e10\"", "reservationId" },
        { "\"quantity\":1,\"reservationId\":\"00000000-0000-0000-0000-000000000000\"", "reservationId" },
        { "\"quantity\":1,\"onExisting\":\"allow\"", "onExisting" },
        { "\"quantity\":1,\"onExisting\":\"Replace\"", "onExisting" },
        { "\"quantity\":1,\"onExisting\":\"\"", "onExisting" },
        { "\"quantity\":1,\"onExisting\":1", "onExisting" },
    };

    public static TheoryData<string> BadSkus =>
    [
        "", " ", " a", "a ", ".", "..", "a\u00a0b", "sku\u200b", "sku\u202e", "sku\\u0000", "sku\\n", "sku\\t1",
        "Gro\u0308ße", "\u212b", new string('a', 65), new string('ü', 65), new string('a', 300),
    ];

    [Theory]
    [MemberData(nameof(Reservations))]
    public async Task A_reservation_that_breaks_a_rule_is_refused_and_holds_nothing(
        string body, string slug, string? field)
    {
        var sku = await api.NewSkuAsync(10);
        body = body.Replace("SKU", sku, StringComparison.Ordinal);
        var answer = await api.SendAsync("POST", "/api/reservations", body);
        AssertRefused(answer, slug, field);
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Theory]
    [MemberData(nameof(Values))]
    public async Task A_value_out_of_range_is_refused_and_holds_nothing(string values, string field)
    {
        var sku = await api.NewSkuAsync(10);
        var inOneLine = $$"""{"productId":"{{sku}}","userId":"u",{{values}}}""";
        AssertRefused(await api.SendAsync("POST", "/api/reservations", inOneLine), "validation", field);

        var quantity = values.Split(',', 2);
        var rest = quantity.Length > 1 ? "," + quantity[1] : "";
        var withItems = $$"""{"customerId":"u","items":[{"sku":"{{sku}}",{{quantity[0]}}}]{{rest}}}""";
        AssertRefused(await api.SendAsync("POST", "/api/reservations", withItems), "validation",
            field == "quantity" ? "items[0].quantity" : field);
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Theory]
    [MemberData(nameof(BadSkus))]
    public async Task An_invalid_SKU_is_refused_in_every_place(string sku)
    {
        AssertRefused(await api.SendAsync("POST", "/api/reservations",
            $$"""{"productId":"{{sku}}","userId":"u","quantity":1}"""), "validation", "productId");
        AssertRefused(await api.SendAsync("POST", "/reserve",
            $$"""{"sku":"{{sku}}","qty":1,"cart_id":"c"}"""), "validation", "sku");
        AssertRefused(await api.SendAsync("POST", "/release",
            $$"""{"sku":"{{sku}}","cart_id":"c"}"""), "validation", "sku");
        var rule = await api.SendAsync("POST", "/extend", $$"""{"sku":"{{sku}}","cart_id":"c","add_seconds":1}""");
        AssertRefused(rule, "validation", "sku");
        Assert.Contains("1 to 64 printable characters", rule.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "cart_id")]
    [InlineData("""{"sku":"SKU","qty":0,"cart_id":"c"}""", "qty")]
    [InlineData("""{"sku":"SKU","qty":"2","cart_id":"c"}""", "qty")]
    [InlineData("""{"sku":"SKU","qty":1,"cart_id":"c","ttl_seconds":0}""", "ttl_seconds")]
    [InlineData("""{"sku":"SKU","qty":1,"cart_id":"c","ttl_seconds":3601}""", "ttl_seconds")]
    [InlineData("""{"sku":"SKU","qty":1,"cartId":"c"}""", "cartId")]
    [InlineData("""{"sku":"SKU","qty":1,"cart_id":"c","cart_id":"d"}""", "cart_id")]
    [InlineData("""{"sku":"SKU","qty":1,"cart_id":"c "}""", "cart_id")]
    public async Task A_cart_that_breaks_a_rule_is_refused_and_holds_nothing(string body, string field)
    {
        var sku = await api.NewSkuAsync(10);
        var answer = await api.SendAsync("POST", "/reserve", body.Replace("SKU", sku, StringComparison.Ordinal));
        AssertRefused(answer, "validation", field);
        Assert.Equal(10, await api.AvailableAsync(sku));
    }

    [Theory]
    [InlineData("POST", "/extend", """{"cart_id":"c","sku":"s","add_seconds":0}""", "add_seconds")]
    [InlineData("POST", "/extend", """{"cart_id":"c","sku":"s","add_seconds":3601}""", "add_seconds")]
    [InlineData("POST", "/extend", """{"cart_id":"c","sku":"s"}""", "add_seconds")]
    [InlineData("POST", "/release", """{"cart_id":"c"}""", "sku")]
    [InlineData("POST", $"/api/reservations/{Id}/extend", """{"addSeconds":-1}""", "addSeconds")]
    [InlineData("POST", $"/api/reservations/{Id}/extend", "{}", "addSeconds")]
    [InlineData("POST", "/api/reservations/abc/extend", """{"addSeconds":1}""", "id")]
    [InlineData("GET", "/api/reservations/abc", null, "id")]
    [InlineData("GET", "/api/reservations/018f4e5c7d2a7c319a540f6d3b2c1e10", null, "id")]
    [InlineData("GET", $"/api/reservations/%20{Id}", null, "id")]
    [InlineData("GET", "/api/reservations/+18f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10", null, "id")]
    [InlineData("GET", "/api/reservations/0x8f4e5c-7d2a-7c31-9a54-0f6d3b2c1e10", null, "id")]
    [InlineData("DELETE", "/api/reservations/%01", null, "id")]
    [InlineData("GET", "/api/stock/a%2Fb%20", null, "sku")]
    [InlineData("GET", "/api/stock/a%01b", null, "sku")]
    [InlineData("GET", "/api/stock/a%FF", null, "sku")]
    [InlineData("GET", "/api/stock/a%2Fb%E2%82", null, "sku")]
    [InlineData("GET", "/api/stock/a%C2%A0b", null, "sku")]
    [InlineData("GET", "/snapshot/a%20", null, "sku")]
    [InlineData("GET", "/events?limit=0", null, "limit")]
    [InlineData("GET", "/events?limit=1001", null, "limit")]
    [InlineData("GET", "/events?limit=-1", null, "limit")]
    [InlineData("GET", "/events?limit=", null, "limit")]
    [InlineData("GET", "/events?limit=ten", null, "limit")]
    [InlineData("GET", "/events?limit=1&limit=2", null, "limit")]
    [InlineData("GET", "/events?limit=99999999999", null, "limit")]
    [InlineData("GET", "/events?before=", null, "before")]
    [InlineData("GET", "/events?before=7", null, "before")]
    [InlineData("GET", "/events?before=1-x", null, "before")]
    [InlineData("GET", "/events?before=1-1.", null, "before")]
    [InlineData("GET", "/events?before=99999999999999999999-1", null, "before")]
    [InlineData("GET", "/events?before=1-1&before=2-1", null, "before")]
    [InlineData("POST", "/api/reservations/batch", "{}", "reservations")]
    [InlineData("POST", "/api/reservations/batch", """{"reservations":[]}""", "reservations")]
    [InlineData("POST", "/api/reservations/batch", """{"reservations":{}}""", "reservations")]
    [InlineData("POST", "/api/reservations/batch", """{"reservations":[{"userId":1}]}""", "reservations[0].userId")]
    [InlineData("POST", "/api/reservations/batch", """{"reservations":[],"mode":1}""", "mode")]
    public async Task A_bad_path_query_or_body_is_refused(string method, string path, string? body, string field) =>
        AssertRefused(await api.SendAsync(method, path, body), "validation", field);

    [Fact]
    public async Task A_very_long_path_is_refused() =>
        AssertRefused(await api.SendAsync("GET", "/api/stock/" + new string('a', 4000)), "validation", "sku");

    [Fact]
    public async Task More_lines_than_allowed_are_refused()
    {
        var sku = await api.NewSkuAsync(1000);
        AssertRefused(await api.SendAsync("POST", "/api/reservations", Lines(sku, 101, 1)), "validation", "items");
        Assert.Equal(201, (await api.SendAsync("POST", "/api/reservations", Lines(sku, 100, 1))).Status);
        Assert.Equal(900, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task Lines_of_one_SKU_whose_sum_overflows_are_refused()
    {
        var sku = await api.NewSkuAsync(int.MaxValue);
        var answer = await api.SendAsync("POST", "/api/reservations", Lines(sku, 2, int.MaxValue));
        AssertRefused(answer, "validation", "items");
        Assert.Equal(int.MaxValue, await api.AvailableAsync(sku));
    }

    [Fact]
    public async Task A_body_with_many_errors_gets_a_short_answer()
    {
        var faults = string.Join(',', Enumerable.Range(0, 5000).Select(i => $"\"f{i}\":1"));
        var answer = await api.SendAsync("POST", "/api/reservations", $"{{{faults}}}");
        AssertRefused(answer, "validation", "f0");
        Assert.True(answer.Body.Length < 8_000);
    }

    private static string Lines(string sku, int count, int quantity)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $$"""{"sku":"{{sku}}","quantity":{{quantity}}}""");
        var lines = string.Join(',', Enumerable.Repeat(line, count));
        return $$"""{"customerId":"{{Api.Fresh("user")}}","items":[{{lines}}]}""";
    }

    private static void AssertRefused(Answer answer, string slug, string? field)
    {
        answer.AssertProblem(400, slug);
        Assert.NotEmpty(answer.Json.GetProperty("traceId").GetString()!);
        if (field is null) return;
        var errors = answer.Json.GetProperty("errors");
        Assert.True(errors.TryGetProperty(field, out var rules), $"{field} is not among {errors}");
        Assert.All(rules.EnumerateArray(), rule => Assert.NotEmpty(rule.GetString()!));
    }
}
