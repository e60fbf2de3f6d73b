using System.Text.Json;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Products;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests.Products;

/// <summary>Products are cached, and every instance sees a change. In these tests no entry expires by time.</summary>
public sealed class ProductCacheTests : IAsyncLifetime
{
    private static readonly string[] Exact = ["Cache-Control: no-cache"];

    private static readonly Dictionary<string, string> Settings = new()
    {
        ["ProductCache:Lifetime"] = "00:10:00",
        ["ProductCache:SharedLifetime"] = "01:00:00",
        ["ProductCache:MaxEntries"] = "8",
        // Longer than pauses of a busy test machine.
        ["ProductCache:RedisPatience"] = "00:00:02",
    };

    private readonly Shop shop = new(Settings);
    private WebApplicationFactory<Program>? factory;
    private HttpClient? other;

    /// <summary>A second instance, over the same stores.</summary>
    private HttpClient Other => other!;

    public async Task InitializeAsync()
    {
        await shop.InitializeAsync();
        factory = Api.Host(new Dictionary<string, string>(Settings)
        {
            ["ConnectionStrings:redis"] = shop.Api.Redis.ConnectionString,
            ["ConnectionStrings:ledger"] = shop.LedgerAddress,
        });
        other = factory.CreateClient();
        other.DefaultRequestHeaders.Add("X-Api-Key", Api.Key("all"));
    }

    public async Task DisposeAsync()
    {
        other?.Dispose();
        if (factory is not null) await factory.DisposeAsync();
        await shop.DisposeAsync();
    }

    [Fact]
    public async Task A_change_by_one_instance_is_seen_by_another_that_had_the_product_in_memory()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        Assert.Equal("Something", (await ReadOtherAsync(sku)).GetProperty("name").GetString());

        var path = $"/api/products/{sku}";
        var changed = await shop.SendAsync("PUT", path, """{"name":"Renamed"}""", "If-Match: " + seen);
        Assert.Equal(200, changed.Status);

        Assert.Equal(changed.Text, (await shop.SendAsync("GET", path)).Text);
        await Eventually.EqualAsync(
            "Renamed", async () => (await ReadOtherAsync(sku)).GetProperty("name").GetString());
        // A product that was not found before is found as soon as it is created.
        Assert.Equal(404, (int)(await Other.GetAsync("/api/products/made-later")).StatusCode);
        await shop.SendAsync("PUT", "/api/products/made-later", """{"name":"n"}""", "If-None-Match: *");
        Assert.Equal(200, (await shop.SendAsync("GET", "/api/products/made-later")).Status);
    }

    [Fact]
    public async Task Concurrent_reads_make_one_load_and_another_instance_needs_no_PostgreSQL()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        await shop.Postgres.StopAsync();

        var reads = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => ReadOtherAsync(sku)));

        Assert.All(reads, read => Assert.Equal(10, read.GetProperty("available").GetInt32()));
        var figures = JsonElement.Parse(await Other.GetStringAsync("/api/operations/cache"));
        var (memory, redis) = (figures.GetProperty("memory"), figures.GetProperty("redis"));
        Assert.Equal(
            (1, 0, 0, 1),
            (Number(redis, "hits"), Number(redis, "misses"), Number(redis, "away"), Number(memory, "entries")));
        Assert.Equal(100, Number(memory, "hits") + Number(memory, "misses"));
        Assert.Equal(1, redis.GetProperty("rate").GetDouble());
    }

    [Fact]
    public async Task Concurrent_reads_of_an_uncached_product_query_PostgreSQL_once()
    {
        var sku = Api.Fresh("product");
        await shop.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'By plain SQL')");

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => ReadOtherAsync(sku)));

        var redis = JsonElement.Parse(await Other.GetStringAsync("/api/operations/cache")).GetProperty("redis");
        Assert.Equal((0, 1), (Number(redis, "hits"), Number(redis, "misses")));
    }

    [Fact]
    public async Task A_sale_shows_at_once_and_its_ETag_is_valid_for_a_change()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var path = $"/api/products/{sku}";
        await shop.ExecuteAsync($"UPDATE inventory SET total = 7 WHERE sku_id = '{sku}'");
        // The update that change capture and commit make.
        await shop.Api.Engine.Levels.SetStockAsync(new StockLevel(sku, 7, 2, null, Paused: false));

        var shown = await shop.SendAsync("GET", path);

        Assert.Equal(7, shown.Json.GetProperty("total").GetInt32());
        Assert.Equal((await shop.SendAsync("GET", path, headers: Exact)).Headers.ETag, shown.Headers.ETag);
        var changed = await shop.SendAsync("PUT", path, """{"name":"n"}""", "If-Match: " + shown.Headers.ETag!.Tag);
        Assert.Equal(200, changed.Status);
    }

    [Fact]
    public async Task A_limit_changed_by_plain_SQL_is_loaded_again_when_the_stock_shows_it()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var path = $"/api/products/{sku}";
        await ReadOtherAsync(sku);
        await shop.ExecuteAsync($"UPDATE products SET max_per_customer = 3, name = 'New' WHERE sku_id = '{sku}'");
        await shop.Api.Engine.Levels.SetStockAsync(new StockLevel(sku, 10, 2, 3, Paused: false));

        var shown = await shop.SendAsync("GET", path);

        Assert.Equal((await shop.SendAsync("GET", path, headers: Exact)).Headers.ETag, shown.Headers.ETag);
        Assert.Equal(
            (3, "New"),
            (shown.Json.GetProperty("maxPerCustomer").GetInt32(), shown.Json.GetProperty("name").GetString()));
        Assert.Equal(3, (await ReadOtherAsync(sku)).GetProperty("maxPerCustomer").GetInt32());
    }

    [Fact]
    public async Task A_read_from_before_a_change_does_not_overwrite_the_cache_after_it()
    {
        var shared = shop.Api.Services.GetRequiredService<SharedProducts>();
        var old = new ProductState("s", "Old", null, false, 1, 1, 1);
        var slow = await shared.LeaseAsync("s", changed: false);
        Assert.Null(await shared.LeaseAsync("s", changed: false));
        var changing = await shared.LeaseAsync("s", changed: true);

        await shared.WriteAsync("s", old, slow!);
        Assert.Null(await shared.ReadAsync("s"));
        await shared.WriteAsync("s", old with { Name = "New" }, changing!);
        await shared.WriteAsync("s", old, slow!);

        Assert.Equal(old with { Name = "New" }, await shared.ReadAsync("s"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_redis_products_are_read_from_memory_and_postgresql(bool freeze)
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var fresh = Api.Fresh("product");
        await shop.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{fresh}', 'By plain SQL')");
        if (freeze) shop.Api.Redis.Freeze();
        else await shop.Api.Redis.KillAsync();

        foreach (var one in new[] { sku, fresh })
        {
            var read = await shop.SendAsync("GET", $"/api/products/{one}");
            Assert.Equal(200, read.Status);
            Assert.False(read.Json.TryGetProperty("available", out _));
        }
        if (freeze) shop.Api.Redis.Thaw();
    }

    [Fact]
    public async Task Entries_that_may_have_missed_a_change_during_a_lost_connection_are_dropped_when_it_is_back()
    {
        var (sku, _) = await shop.NewProductAsync(10);
        Assert.Equal("Something", (await ReadOtherAsync(sku)).GetProperty("name").GetString());
        // This change is announced to no instance, like an announcement lost with a connection.
        await shop.ExecuteAsync($"UPDATE products SET name = 'Renamed' WHERE sku_id = '{sku}'");
        var redis = shop.Api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        Assert.True(await redis.KeyDeleteAsync("cache:product:1:" + sku));
        Assert.Equal("Something", (await ReadOtherAsync(sku)).GetProperty("name").GetString());

        foreach (var kind in new[] { "pubsub", "normal" }) await redis.ExecuteAsync("CLIENT", "KILL", "TYPE", kind);

        await Eventually.EqualAsync(
            "Renamed", async () => (await ReadOtherAsync(sku)).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Memory_is_bounded_and_an_unknown_product_is_soon_queried_again()
    {
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(404, (await shop.SendAsync("GET", $"/api/products/none-{i}")).Status);
        }
        var cache = shop.Api.Services.GetRequiredService<ProductCache>();
        Assert.InRange(cache.Entries, 1, 8);

        await shop.ExecuteAsync("INSERT INTO products (sku_id, name) VALUES ('none-49', 'By plain SQL')");
        await Eventually.EqualAsync(200, async () => (await shop.SendAsync("GET", "/api/products/none-49")).Status);
    }

    private async Task<JsonElement> ReadOtherAsync(string sku) =>
        JsonElement.Parse(await Other.GetStringAsync($"/api/products/{sku}"));

    private static int Number(JsonElement figures, string name) => figures.GetProperty(name).GetInt32();
}
