using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>SKUs with names as shops have them, from plain SQL through both stores and the gateway, and back.</summary>
[Collection(nameof(Stack))]
public sealed class NameTests(Stack stack)
{
    // The key of a Development run.
    private const string Admin = "inv_demo_admin_5f1c0e7a9b3d4826a1c7e0f2b4d69853";
    private const string Customer = "gid://shopify/Customer/1";

    private static readonly string[] Skus =
    [
        "a/b", "a b", "a+b", "Größe 38/40", "日本", "x{y}", "cap:1,mug", "100%", "100%41", "a%2Fb", @"a\b", "a?b#c",
    ];

    private readonly Provider provider = new(stack);

    [Fact]
    public async Task Every_name_is_held_sold_cancelled_and_shown_and_the_audit_finds_nothing()
    {
        foreach (var sku in Skus)
        {
            await stack.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Test')");
            await stack.ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{sku}', 10)");
        }

        foreach (var sku in Skus)
        {
            await Eventually.EqualAsync(10, async () => (int?)(await ReadAsync($"/api/stock/{InPath(sku)}"))["total"]);
            await SellAndCancelAsync(sku);
            Assert.Equal(sku, (string?)(await ReadAsync($"/snapshot/{InPath(sku)}"))["sku"]);
            Assert.Equal(sku, (string?)(await ReadAsync($"/api/products/{InPath(sku)}"))["sku"]);
            Assert.Equal(sku, (string?)(await FirstOfStreamAsync(sku))["sku"]);
        }

        var run = await SendAsync(HttpMethod.Post, "/api/operations/reconciliation/run?dryRun=true");
        Assert.Equal("completed", (string?)run["state"]);
        var names = string.Join(',', Skus.Select(sku => $"'{sku}'"));
        Assert.Equal(0, await stack.ReadAsync<long>(
            $"SELECT count(*) FROM audit_findings WHERE sku_id IN ({names}, 'mug', 'cap')"));
        Assert.Equal(0, await stack.ReadAsync<long>("SELECT count(*) FROM dead_letters"));
    }

    [Theory]
    [InlineData("mug ")]
    [InlineData("mug\tcup")]
    [InlineData("Gro\u0308ße")]
    public async Task A_name_that_the_API_refuses_is_refused_by_PostgreSQL(string sku)
    {
        var refusal = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            stack.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Test')"));

        using var answer = await stack.Gateway.GetAsync(new Uri($"/api/stock/{InPath(sku)}", UriKind.Relative));

        Assert.Equal("ck_products_sku_id", refusal.ConstraintName);
        Assert.Equal(400, (int)answer.StatusCode);
    }

    private static string InPath(string sku) => Uri.EscapeDataString(sku);

    private async Task SellAndCancelAsync(string sku)
    {
        var held = await SendAsync(HttpMethod.Post, "/api/reservations", new
        {
            customerId = Customer,
            items = new[] { new { sku, quantity = 2 } },
        });
        var id = (Guid)held["reservationId"]!;
        Assert.Equal((sku, Customer), ((string?)held["items"]![0]!["sku"], (string?)held["customerId"]));
        await AssertNewestEventAsync("reserved", sku);

        var paid = await provider.PayAsync(id, $"pay-{id:N}");
        Assert.Equal("confirmed", (string?)paid["outcome"]);
        await Eventually.EqualAsync(8, async () => (int?)(await ReadAsync($"/api/stock/{InPath(sku)}"))["total"]);
        await AssertNewestEventAsync("confirmed", sku);

        var order = await SendAsync(HttpMethod.Post, $"/api/orders/{(Guid)paid["orderId"]!}/cancel", new { });
        Assert.Equal((sku, Customer), ((string?)order["items"]![0]!["sku"], (string?)order["customerId"]));
        await Eventually.EqualAsync(10, async () => (int?)(await ReadAsync($"/api/stock/{InPath(sku)}"))["available"]);
    }

    private async Task AssertNewestEventAsync(string type, string sku)
    {
        var events = (await ReadAsync("/events?limit=20"))["events"]!.AsArray();
        Assert.Contains(events, one => (string?)one!["type"] == type
            && (string?)one["items"]![0]!["sku"] == sku && one["items"]!.AsArray().Count == 1);
    }

    private async Task<JsonNode> FirstOfStreamAsync(string sku)
    {
        await using var stream = await stack.Gateway.GetStreamAsync(
            new Uri($"/api/stock/{InPath(sku)}/stream", UriKind.Relative));
        using var reader = new StreamReader(stream);
        while (true)
        {
            var line = (await reader.ReadLineAsync())!;
            if (line.StartsWith("data: ", StringComparison.Ordinal)) return JsonNode.Parse(line["data: ".Length..])!;
        }
    }

    private Task<JsonNode> ReadAsync(string path) => SendAsync(HttpMethod.Get, path);

    private async Task<JsonNode> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add("X-Api-Key", Admin);
        if (body is not null) request.Content = JsonContent.Create(body);
        using var response = await stack.Gateway.SendAsync(request);
        return (await response.Content.ReadFromJsonAsync<JsonNode>())!;
    }
}
