namespace Inventory.ReservationApi.Tests.Products;

/// <summary>Every change of a total is exact, happens once per key, and has a movement.</summary>
public sealed class AdjustmentTests(Shop shop) : IClassFixture<Shop>
{
    [Fact]
    public async Task A_hundred_adjustments_at_once_add_up_exactly()
    {
        var (sku, _) = await shop.NewProductAsync(60);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i =>
            shop.AdjustAsync(sku, i % 5 < 3 ? 1 : -1, $"number {i}")));

        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        Assert.Equal((80, 80, 101), await shop.LevelsAsync(sku));
        await AssertExplainedAsync(sku, 80);
    }

    [Fact]
    public async Task A_total_never_falls_below_zero_under_concurrent_adjustments()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => shop.AdjustAsync(sku, -1, $"taken {i}")));

        Assert.Equal(10, answers.Count(answer => answer.Status == 201));
        Assert.All(answers.Where(answer => answer.Status != 201),
            answer => answer.AssertProblem(409, "total-out-of-range"));
        Assert.Equal((0, 0, 11), await shop.LevelsAsync(sku));
        await AssertExplainedAsync(sku, 0);
    }

    [Fact]
    public async Task A_total_that_overflows_is_refused()
    {
        var (sku, _) = await shop.NewProductAsync(1);
        (await shop.AdjustAsync(sku, int.MaxValue, "too many")).AssertProblem(409, "total-out-of-range");
        (await shop.AdjustAsync(sku, int.MinValue, "too few")).AssertProblem(409, "total-out-of-range");
        (await shop.AdjustAsync("no-such-sku", 1, "nothing")).AssertProblem(404, "unknown-sku");
        Assert.Equal((1, 1, 1), await shop.LevelsAsync(sku));
    }

    [Fact]
    public async Task A_repeated_key_has_one_effect_also_under_concurrency()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var key = Api.Fresh("key");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => shop.AdjustAsync(sku, 5, "once", key)));

        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Equal(19, answers.Count(answer => answer.Header("Idempotent-Replayed") == "true"));
        Assert.Equal((15, 15, 2), await shop.LevelsAsync(sku));
    }

    [Fact]
    public async Task A_key_of_another_request_is_refused()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var (other, _) = await shop.NewProductAsync(10);
        var key = Api.Fresh("key");
        Assert.Equal(201, (await shop.AdjustAsync(sku, 5, "once", key)).Status);

        (await shop.AdjustAsync(sku, 6, "once", key)).AssertProblem(422, "idempotency-key-reused");
        (await shop.AdjustAsync(other, 5, "once", key)).AssertProblem(422, "idempotency-key-reused");
        Assert.Equal((15, 15, 2), await shop.LevelsAsync(sku));
        Assert.Equal((10, 10, 1), await shop.LevelsAsync(other));
    }

    [Fact]
    public async Task One_key_for_two_products_at_once_changes_one_of_them()
    {
        var (one, _) = await shop.NewProductAsync(10);
        var (other, _) = await shop.NewProductAsync(10);
        var key = Api.Fresh("key");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            shop.AdjustAsync(i % 2 == 0 ? one : other, 5, "once", key)));

        Assert.Equal([201, 422], answers.Select(answer => answer.Status).Distinct().Order());
        Assert.Equal(25, (await shop.LevelsAsync(one)).Ledger + (await shop.LevelsAsync(other)).Ledger);
    }

    [Fact]
    public async Task A_refused_adjustment_does_not_use_up_its_key()
    {
        var (sku, _) = await shop.NewProductAsync(1);
        var key = Api.Fresh("key");
        (await shop.AdjustAsync(sku, -2, "later", key)).AssertProblem(409, "total-out-of-range");
        await shop.AdjustAsync(sku, 1, "delivery");
        Assert.Equal(201, (await shop.AdjustAsync(sku, -2, "later", key)).Status);
        Assert.Equal((0, 0, 3), await shop.LevelsAsync(sku));
    }

    [Fact]
    public async Task Movements_explain_the_total_page_by_page()
    {
        var (sku, _) = await shop.NewProductAsync(40);
        await shop.AdjustAsync(sku, 10, "delivery 4711");
        await shop.AdjustAsync(sku, -3, "shelf 5");

        var newest = (await shop.SendAsync("GET", $"/api/products/{sku}/movements?limit=2")).Json;
        Assert.Equal(47, newest.GetProperty("total").GetInt32());
        Assert.Equal(
            [(-3, 47, "shelf 5", 3), (10, 50, "delivery 4711", 2)],
            newest.GetProperty("movements").EnumerateArray().Select(movement => (
                movement.GetProperty("quantity").GetInt32(), movement.GetProperty("totalAfter").GetInt32(),
                movement.GetProperty("reference").GetString()!, movement.GetProperty("version").GetInt32())));

        var before = newest.GetProperty("nextBefore").GetInt64();
        var oldest = (await shop.SendAsync("GET", $"/api/products/{sku}/movements?before={before}")).Json;
        var initial = Assert.Single(oldest.GetProperty("movements").EnumerateArray());
        Assert.Equal(
            ("initial", 40, 40),
            (initial.GetProperty("reason").GetString(), initial.GetProperty("quantity").GetInt32(),
                initial.GetProperty("totalAfter").GetInt32()));
        Assert.False(oldest.TryGetProperty("nextBefore", out _));
        (await shop.SendAsync("GET", "/api/products/no-such-sku/movements")).AssertProblem(404, "unknown-sku");
    }

    [Fact]
    public async Task Administrators_and_plain_SQL_on_one_product_never_deadlock()
    {
        var (sku, _) = await shop.NewProductAsync(1000);
        var path = $"/api/products/{sku}";
        var adjusting = Enumerable.Range(0, 40).Select(i => shop.AdjustAsync(sku, 1, $"number {i}"));
        var pausing = Enumerable.Range(0, 20).Select(i =>
            shop.SendAsync("POST", path + (i % 2 == 0 ? "/pause" : "/resume")));
        var editing = Enumerable.Range(1, 20).Select(async i =>
        {
            var seen = (await shop.SendAsync("GET", path)).Headers.ETag!.Tag;
            return await shop.SendAsync("PUT", path, $$"""{"name":"n","maxPerCustomer":{{i}}}""", "If-Match: " + seen);
        });
        var dictating = Enumerable.Range(1, 20).Select(i =>
            shop.ExecuteAsync($"UPDATE products SET max_per_customer = {100 + i} WHERE sku_id = '{sku}'"));

        var all = Task.WhenAll([.. adjusting, .. pausing, .. editing]);
        await Task.WhenAll(dictating);
        var answers = await all;

        Assert.All(answers, answer => Assert.Contains(answer.Status, new[] { 200, 201, 412 }));
        Assert.Equal((1040, 1040, 41), await shop.LevelsAsync(sku));
        // Plain SQL may have come last, and no change capture runs here: this call copies the total to Redis.
        var paused = (await shop.SendAsync("POST", path + "/pause")).Json;
        var shown = await shop.Api.Engine.Levels.SnapshotAsync(sku);
        Assert.Equal((paused.GetProperty("version").GetInt64(), true), (shown.Version, shown.Paused));
        Assert.Equal(paused.GetProperty("maxPerCustomer").GetInt32(), shown.MaxPerCustomer);
    }

    /// <summary>Checks that each movement follows from the one before, and that the last one has the total.</summary>
    private async Task AssertExplainedAsync(string sku, int total)
    {
        var page = (await shop.SendAsync("GET", $"/api/products/{sku}/movements?limit=500")).Json;
        var running = 0;
        foreach (var movement in page.GetProperty("movements").EnumerateArray().Reverse())
        {
            running += movement.GetProperty("quantity").GetInt32();
            Assert.Equal(running, movement.GetProperty("totalAfter").GetInt32());
        }
        Assert.Equal((total, total), (running, page.GetProperty("total").GetInt32()));
    }
}
