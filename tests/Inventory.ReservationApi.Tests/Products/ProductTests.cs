namespace Inventory.ReservationApi.Tests.Products;

/// <summary>Administrators change products; a change of a version they have not read is refused.</summary>
public sealed class ProductTests(Shop shop) : IClassFixture<Shop>
{
    [Fact]
    public async Task A_new_product_is_on_sale_at_once()
    {
        var sku = Api.Fresh("product");
        var path = $"/api/products/{sku}";
        Assert.Equal(404, (await shop.SendAsync("GET", path)).Status);

        var created = await shop.SendAsync(
            "PUT", path, """{"name":"Serum","maxPerCustomer":2,"total":10}""", "If-None-Match: *");
        Assert.Equal(201, created.Status);
        await shop.Api.HoldAsync(sku, 2);

        var read = await shop.SendAsync("GET", path);
        Assert.Equal(
            $$"""{"sku":"{{sku}}","name":"Serum","maxPerCustomer":2,"paused":false,"""
                + "\"total\":10,\"available\":8,\"version\":1}",
            read.Text);
        Assert.Equal(created.Headers.ETag, read.Headers.ETag);
        (await shop.SendAsync("PUT", path, """{"name":"Other"}""", "If-None-Match: *"))
            .AssertProblem(412, "precondition-failed");
        Assert.Equal((10, 10, 1), await shop.LevelsAsync(sku));
    }

    [Fact]
    public async Task Of_two_administrators_who_edit_one_product_the_second_is_refused_and_overwrites_nothing()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        var path = $"/api/products/{sku}";

        var first = await shop.SendAsync("PUT", path, """{"name":"First"}""", "If-Match: " + seen);
        var second = await shop.SendAsync("PUT", path, """{"name":"Second","maxPerCustomer":1}""", "If-Match: " + seen);

        Assert.Equal(200, first.Status);
        Assert.NotEqual(seen, first.Headers.ETag!.Tag);
        second.AssertProblem(412, "precondition-failed");
        var read = await shop.SendAsync("GET", path);
        Assert.Equal(first.Text, read.Text);
        Assert.Equal(first.Headers.ETag, read.Headers.ETag);
        Assert.Equal("First", read.Json.GetProperty("name").GetString());
    }

    [Fact]
    public async Task Of_many_edits_at_once_exactly_one_wins()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        var answers = await Task.WhenAll(Enumerable.Range(1, 20).Select(i => shop.SendAsync(
            "PUT", $"/api/products/{sku}", $$"""{"name":"Name {{i}}","maxPerCustomer":{{i}}}""", "If-Match: " + seen)));

        var winner = Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer != winner), lost => lost.AssertProblem(412, "precondition-failed"));
        Assert.Equal(winner.Text, (await shop.SendAsync("GET", $"/api/products/{sku}")).Text);
        var shown = await shop.Api.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal(winner.Json.GetProperty("maxPerCustomer").GetInt32(), shown.MaxPerCustomer);
    }

    [Theory]
    [InlineData("UPDATE products SET name = 'By plain SQL' WHERE sku_id = ")]
    [InlineData("UPDATE products SET max_per_customer = 7 WHERE sku_id = ")]
    [InlineData("UPDATE inventory SET total = total - 1 WHERE sku_id = ")]
    public async Task A_change_by_plain_SQL_is_not_overwritten(string sql)
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        await shop.ExecuteAsync($"{sql}'{sku}'");
        string[] exact = ["Cache-Control: no-cache"];
        var before = await shop.SendAsync("GET", $"/api/products/{sku}", headers: exact);

        var late = await shop.SendAsync("PUT", $"/api/products/{sku}", """{"name":"Late"}""", "If-Match: " + seen);

        late.AssertProblem(412, "precondition-failed");
        Assert.NotEqual(seen, before.Headers.ETag!.Tag);
        var after = await shop.SendAsync("GET", $"/api/products/{sku}", headers: exact);
        Assert.Equal(before.Headers.ETag, after.Headers.ETag);
    }

    [Fact]
    public async Task A_change_without_a_precondition_is_refused()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        (await shop.SendAsync("PUT", $"/api/products/{sku}", """{"name":"Blind"}"""))
            .AssertProblem(428, "precondition-required");
        (await shop.SendAsync("PUT", $"/api/products/{sku}", """{"name":"Weak"}""", "If-Match: W/" + seen))
            .AssertProblem(412, "precondition-failed");
        (await shop.SendAsync("PUT", "/api/products/no-such-sku", """{"name":"Gone"}""", "If-Match: " + seen))
            .AssertProblem(412, "precondition-failed");
        Assert.Equal(seen, (await shop.SendAsync("GET", $"/api/products/{sku}")).Headers.ETag!.Tag);
    }

    [Fact]
    public async Task A_paused_product_gets_no_new_holds_and_resuming_sells_it_again()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        for (var i = 0; i < 2; i++)
        {
            var paused = await shop.SendAsync("POST", $"/api/products/{sku}/pause");
            Assert.Equal((200, true), (paused.Status, paused.Json.GetProperty("paused").GetBoolean()));
            Assert.Equal(2, paused.Json.GetProperty("version").GetInt32());
            Assert.NotEqual(seen, paused.Headers.ETag!.Tag);
        }
        (await shop.Api.SendAsync("POST", "/api/reservations", Api.OneLine(sku, "u", 1)))
            .AssertProblem(409, "sku-paused");

        for (var i = 0; i < 2; i++)
        {
            var resumed = await shop.SendAsync("POST", $"/api/products/{sku}/resume");
            Assert.Equal((200, false), (resumed.Status, resumed.Json.GetProperty("paused").GetBoolean()));
            Assert.Equal(3, resumed.Json.GetProperty("version").GetInt32());
        }
        await shop.Api.HoldAsync(sku, 1);
        (await shop.SendAsync("POST", "/api/products/no-such-sku/pause")).AssertProblem(404, "unknown-sku");
    }

    [Fact]
    public async Task A_product_inserted_by_plain_SQL_without_stock_has_no_units_and_can_be_administered()
    {
        var sku = Api.Fresh("product");
        await shop.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Alone')");
        var read = await shop.SendAsync("GET", $"/api/products/{sku}");
        Assert.Equal((200, 0), (read.Status, read.Json.GetProperty("total").GetInt32()));

        Assert.Equal(201, (await shop.AdjustAsync(sku, 5, "first delivery")).Status);
        Assert.Equal((5, 5, 1), await shop.LevelsAsync(sku));
    }

    [Theory]
    [InlineData("PUT", "", "{}", "name")]
    [InlineData("PUT", "", """{"name":""}""", "name")]
    [InlineData("PUT", "", """{"name":"   "}""", "name")]
    [InlineData("PUT", "", """{"name":"a\u0000b"}""", "name")]
    [InlineData("PUT", "", """{"name":7}""", "name")]
    [InlineData("PUT", "", """{"name":"n","maxPerCustomer":0}""", "maxPerCustomer")]
    [InlineData("PUT", "", """{"name":"n","maxPerCustomer":"2"}""", "maxPerCustomer")]
    [InlineData("PUT", "", """{"name":"n","total":-1}""", "total")]
    [InlineData("PUT", "", """{"name":"n","total":2147483648}""", "total")]
    [InlineData("PUT", "", """{"name":"n","price":1}""", "price")]
    [InlineData("POST", "/adjustments", "{}", "quantity")]
    [InlineData("POST", "/adjustments", """{"quantity":0,"reason":"counted","reference":"r"}""", "quantity")]
    [InlineData("POST", "/adjustments", """{"quantity":1.5,"reason":"counted","reference":"r"}""", "quantity")]
    [InlineData("POST", "/adjustments", """{"quantity":1,"reference":"r"}""", "reason")]
    [InlineData("POST", "/adjustments", """{"quantity":1,"reason":"sold","reference":"r"}""", "reason")]
    [InlineData("POST", "/adjustments", """{"quantity":1,"reason":"Counted","reference":"r"}""", "reason")]
    [InlineData("POST", "/adjustments", """{"quantity":1,"reason":"counted"}""", "reference")]
    [InlineData("POST", "/adjustments", """{"quantity":1,"reason":"counted","reference":" "}""", "reference")]
    [InlineData("POST", "/adjustments", """{"quantity":1,"reason":"counted","reference":"\n"}""", "reference")]
    [InlineData("GET", "/movements?limit=0", null, "limit")]
    [InlineData("GET", "/movements?limit=501", null, "limit")]
    [InlineData("GET", "/movements?limit=1&limit=2", null, "limit")]
    [InlineData("GET", "/movements?before=", null, "before")]
    [InlineData("GET", "/movements?before=-1", null, "before")]
    [InlineData("GET", "/movements?before=99999999999999999999", null, "before")]
    public async Task A_request_that_breaks_a_rule_is_refused(string method, string path, string? body, string field)
    {
        var address = $"/api/products/{Api.Fresh("product")}{path}";
        string[] headers = method == "PUT" ? ["If-None-Match: *"] : [];
        AssertNames(await shop.SendAsync(method, address, body, headers), field);
    }

    [Theory]
    [InlineData("name", "If-None-Match: *")]
    [InlineData("reference", null)]
    public async Task Texts_have_a_maximum_length(string field, string? header)
    {
        var text = new string('x', 257);
        var address = $"/api/products/{Api.Fresh("product")}";
        AssertNames(header is null
            ? await shop.AdjustAsync(Api.Fresh("product"), 1, text)
            : await shop.SendAsync("PUT", address, $$"""{"name":"{{text}}"}""", header), field);
    }

    [Theory]
    [InlineData("""{"name":"n"}""", "If-None-Match", "If-None-Match: \"1-2\"")]
    [InlineData("""{"name":"n"}""", "If-Match", "If-None-Match: *", "If-Match: \"1-2\"")]
    [InlineData("""{"name":"n"}""", "If-Match", "If-Match: 1-2")]
    [InlineData("""{"name":"n"}""", "If-Match", "If-Match: *")]
    [InlineData("""{"name":"n","total":5}""", "total", "If-Match: \"1-2\"")]
    public async Task An_invalid_precondition_is_refused(
        string body, string field, params string[] headers) =>
        AssertNames(await shop.SendAsync("PUT", $"/api/products/{Api.Fresh("product")}", body, headers), field);

    [Theory]
    [InlineData("GET", "")]
    [InlineData("PUT", "")]
    [InlineData("POST", "/pause")]
    [InlineData("POST", "/resume")]
    [InlineData("POST", "/adjustments")]
    [InlineData("GET", "/movements")]
    public async Task An_invalid_SKU_is_refused(string method, string path)
    {
        string[] headers = method == "PUT" ? ["If-None-Match: *"] : [];
        var body = path == "/adjustments" ? """{"quantity":1,"reason":"counted","reference":"r"}"""
            : method == "PUT" ? """{"name":"n"}""" : null;
        AssertNames(await shop.SendAsync(method, $"/api/products/a%20%20{path}", body, headers), "sku");
    }

    private static void AssertNames(Answer answer, string field)
    {
        answer.AssertProblem(400, "validation");
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Text);
    }
}
