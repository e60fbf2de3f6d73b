namespace Inventory.ReservationApi.Tests;

/// <summary>Administration needs PostgreSQL, and Redis only to be shown at once.</summary>
public sealed class LedgerOutageTests : IAsyncLifetime
{
    private readonly Shop shop = new();

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task Without_postgresql_nothing_is_administered_and_sale_goes_on()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        await shop.Postgres.KillAsync();

        // What is remembered is shown.
        var shown = await shop.SendAsync("GET", $"/api/products/{sku}");
        Assert.Equal((200, seen), (shown.Status, shown.Headers.ETag!.Tag));
        AssertAway(await shop.SendAsync("GET", "/api/products/not-seen-before"));
        AssertAway(await shop.SendAsync("GET", $"/api/products/{sku}", headers: "Cache-Control: no-cache"));
        AssertAway(await shop.SendAsync("GET", $"/api/products/{sku}/movements"));
        string[] switches = ["/pause", "/resume"];
        foreach (var path in switches) AssertAway(await shop.SendAsync("POST", $"/api/products/{sku}{path}"));
        AssertAway(await shop.AdjustAsync(sku, 1, "while away"));
        AssertAway(await shop.SendAsync("PUT", $"/api/products/{sku}", """{"name":"n"}""", "If-Match: " + seen));
        AssertAway(await shop.SendAsync("PUT", "/api/products/new", """{"name":"n"}""", "If-None-Match: *"));
        AssertAway(await shop.SendAsync("GET", "/api/operations/reconciliation"));
        AssertAway(await shop.SendAsync("GET", "/api/operations/reconciliation/runs/1"));
        AssertAway(await shop.SendAsync("POST", "/api/operations/reconciliation/run?dryRun=true"));
        await shop.Api.HoldAsync(sku, 1);

        await shop.Postgres.RestartAsync();
        Answer read;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        do
        {
            patience.Token.ThrowIfCancellationRequested();
            read = await shop.SendAsync("GET", $"/api/products/{sku}", headers: "Cache-Control: no-cache");
        }
        while (read.Status == 503);
        Assert.Equal((200, seen), (read.Status, read.Headers.ETag!.Tag));
    }

    [Fact]
    public async Task Without_redis_products_are_read_and_changed_all_the_same()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        await shop.Api.Redis.KillAsync();

        var changed = await shop.SendAsync("PUT", $"/api/products/{sku}", """{"name":"n"}""", "If-Match: " + seen);
        Assert.Equal(200, changed.Status);
        Assert.False(changed.Json.TryGetProperty("available", out _));
        Assert.Equal(201, (await shop.AdjustAsync(sku, 5, "delivery")).Status);
        Assert.Equal(15, await shop.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"));
    }

    private static void AssertAway(Answer answer)
    {
        answer.AssertProblem(503, "ledger-unavailable");
        Assert.NotNull(answer.Headers.RetryAfter?.Delta);
    }
}
