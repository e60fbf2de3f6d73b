using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Inventory.System.Tests;

/// <summary>Many shoppers at the gateway: exactly the units in stock are held, and all others get a refusal.</summary>
[Collection(nameof(Stack))]
public sealed class FlashSaleTests(Stack stack)
{
    [Fact]
    public async Task A_thousand_shoppers_and_a_hundred_units_make_a_hundred_holds_and_nine_hundred_refusals()
    {
        var sku = await stack.SkuAsync(100);

        var answers = await CrowdAsync(1_000, i => new { productId = sku, userId = $"user-{i}", quantity = 1 });

        Assert.Equal(100, answers.Count(answer => answer.Status == HttpStatusCode.Created));
        Assert.Equal(900, answers.Count(answer => answer is (HttpStatusCode.Conflict, "/problems/insufficient-stock")));
        await AssertStockAsync(sku, total: 100, reserved: 100);
    }

    [Fact]
    public async Task Carts_of_two_SKUs_in_either_order_hold_both_or_none()
    {
        var (a, b) = (await stack.SkuAsync(100), await stack.SkuAsync(100));

        var answers = await CrowdAsync(1_000, i => new
        {
            customerId = $"user-{i}",
            items = (i % 2 == 0 ? new[] { a, b } : [b, a]).Select(sku => new { sku, quantity = 1 }),
        });

        Assert.Equal(100, answers.Count(answer => answer.Status == HttpStatusCode.Created));
        Assert.Equal(900, answers.Count(answer => answer is (HttpStatusCode.Conflict, "/problems/insufficient-stock")));
        await AssertStockAsync(a, total: 100, reserved: 100);
        await AssertStockAsync(b, total: 100, reserved: 100);
    }

    [Fact]
    public async Task The_same_sku_on_two_lines_counts_together()
    {
        var sku = await stack.SkuAsync(100);

        var answers = await CrowdAsync(60, i => new
        {
            customerId = $"user-{i}",
            items = new[] { new { sku, quantity = 1 }, new { sku, quantity = 2 } },
        });

        Assert.Equal(33, answers.Count(answer => answer.Status == HttpStatusCode.Created));
        await AssertStockAsync(sku, total: 100, reserved: 99);
    }

    [Fact]
    public async Task Of_four_parallel_reserves_of_one_customer_with_a_limit_of_two_units_exactly_two_succeed()
    {
        var sku = await stack.SkuAsync(100, limit: 2);

        var answers = await CrowdAsync(4, _ => new { productId = sku, userId = "greedy", quantity = 1 });

        Assert.Equal(2, answers.Count(answer => answer.Status == HttpStatusCode.Created));
        Assert.Equal(2, answers.Count(answer => answer is (HttpStatusCode.Conflict, "/problems/limit-exceeded")));
        await AssertStockAsync(sku, total: 100, reserved: 2);
    }

    private async Task<(HttpStatusCode Status, string? Problem)[]> CrowdAsync(int shoppers, Func<int, object> body) =>
        await Task.WhenAll(Enumerable.Range(0, shoppers).Select(async i =>
        {
            using var response = await stack.PostAsync("/api/reservations", body(i));
            var answer = await response.Content.ReadFromJsonAsync<JsonNode>();
            return (response.StatusCode, (string?)answer!["type"]);
        }));

    private async Task AssertStockAsync(string sku, int total, int reserved)
    {
        var snapshot = await stack.SnapshotAsync(sku);
        Assert.Equal((total, reserved), ((int)snapshot["total"]!, (int)snapshot["reserved"]!));
    }
}
