using Inventory.Testing;
using Npgsql;

namespace Inventory.ReservationApi.Tests;

/// <summary>Administration needs PostgreSQL; without Redis its changes only show later.</summary>
public sealed class LedgerOutageTests : IAsyncLifetime
{
    private readonly Shop shop = new();

    public Task InitializeAsync() => shop.InitializeAsync();

    public Task DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task Without_PostgreSQL_administration_is_refused_and_sales_continue()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        await shop.Postgres.KillAsync();

        // The cached product is shown.
        var shown = await shop.SendAsync("GET", $"/api/products/{sku}");
        Assert.Equal((200, seen), (shown.Status, shown.Headers.ETag!.Tag));
        AssertUnavailable(await shop.SendAsync("GET", "/api/products/not-seen-before"));
        AssertUnavailable(await shop.SendAsync("GET", $"/api/products/{sku}", headers: "Cache-Control: no-cache"));
        AssertUnavailable(await shop.SendAsync("GET", $"/api/products/{sku}/movements"));
        string[] switches = ["/pause", "/resume"];
        foreach (var path in switches) AssertUnavailable(await shop.SendAsync("POST", $"/api/products/{sku}{path}"));
        AssertUnavailable(await shop.AdjustAsync(sku, 1, "while away"));
        AssertUnavailable(await shop.SendAsync("PUT", $"/api/products/{sku}", """{"name":"n"}""", "If-Match: " + seen));
        AssertUnavailable(await shop.SendAsync("PUT", "/api/products/new", """{"name":"n"}""", "If-None-Match: *"));
        AssertUnavailable(await shop.SendAsync("GET", "/api/operations/reconciliation"));
        AssertUnavailable(await shop.SendAsync("GET", "/api/operations/reconciliation/runs/1"));
        AssertUnavailable(await shop.SendAsync("POST", "/api/operations/reconciliation/run?dryRun=true"));
        await shop.Api.HoldAsync(sku, 1);

        await shop.Postgres.RestartAsync();
        var read = await Eventually.GetAsync(
            () => shop.SendAsync("GET", $"/api/products/{sku}", headers: "Cache-Control: no-cache"),
            answer => answer.Status != 503);
        Assert.Equal((200, seen), (read.Status, read.Headers.ETag!.Tag));
    }

    [Fact]
    public async Task Without_Redis_products_can_be_read_and_changed()
    {
        var (sku, seen) = await shop.NewProductAsync(10);
        await shop.Api.Redis.KillAsync();

        var changed = await shop.SendAsync("PUT", $"/api/products/{sku}", """{"name":"n"}""", "If-Match: " + seen);
        Assert.Equal(200, changed.Status);
        Assert.False(changed.Json.TryGetProperty("available", out _));
        Assert.Equal(201, (await shop.AdjustAsync(sku, 5, "delivery")).Status);
        Assert.Equal(15, await shop.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"));
    }

    [Fact]
    public async Task Connections_cut_during_confirms_count_as_an_outage_and_lose_nothing()
    {
        var (sku, _) = await shop.NewProductAsync(100);
        var ids = new List<Guid>();
        for (var i = 0; i < 40; i++) ids.Add(await shop.Api.HoldAsync(sku, 1));
        using var over = new CancellationTokenSource();

        var cutting = CutAsync(over.Token);
        var statuses = (await Task.WhenAll(ids.Select(ConfirmAsync))).SelectMany(seen => seen).ToHashSet();
        await over.CancelAsync();
        await cutting;
        shop.Ledger.Clear();

        // 503 when a connection was cut, 409 while the cut attempt's lease lasts, 204 when confirmed.
        Assert.Empty(statuses.Except([204, 409, 503]));
        Assert.Equal(40, await shop.ReadAsync<long>("SELECT count(*) FROM orders"));
        Assert.Equal(60, (await shop.LevelsAsync(sku)).Ledger);
    }

    [Theory]
    [InlineData("orders", "confirm", "orders-unavailable")]
    [InlineData("products", "pause", "ledger-unavailable")]
    [InlineData("inventory_movements", "adjust", "ledger-unavailable")]
    public async Task A_session_ended_by_an_operator_counts_as_an_outage(string table, string act, string problem)
    {
        var (sku, _) = await shop.NewProductAsync(10);
        var id = await shop.Api.HoldAsync(sku, 1);
        await shop.ExecuteAsync(
            $$"""
            CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(60);
            END $$;
            CREATE TRIGGER end_session BEFORE INSERT OR UPDATE ON {{table}} EXECUTE FUNCTION end_session();
            """);
        Task<Answer> ActAsync() => act switch
        {
            "confirm" => shop.SendAsync("POST", $"/api/reservations/{id}/confirm"),
            "pause" => shop.SendAsync("POST", $"/api/products/{sku}/pause"),
            _ => shop.AdjustAsync(sku, 5, "delivery", "key-1"),
        };

        AssertUnavailable(await ActAsync(), problem);
        await shop.ExecuteAsync("DROP FUNCTION end_session CASCADE");
        Answer? done = null;
        // The cut attempt has left a confirmation lease.
        await Eventually.TrueAsync(async () => (done = await ActAsync()).Status != 409);

        Assert.InRange(done!.Status, 200, 299);
        Assert.Equal(act == "confirm" ? 1 : 0, await shop.ReadAsync<long>("SELECT count(*) FROM orders"));
    }

    private async Task CutAsync(CancellationToken over)
    {
        await using var knife = new NpgsqlConnection(shop.LedgerAddress + ";Pooling=false");
        await knife.OpenAsync(CancellationToken.None);
        await using var cut = new NpgsqlCommand(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """,
            knife);
        for (var times = 0; times < 200 && !over.IsCancellationRequested; times++)
        {
            await cut.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    private async Task<List<int>> ConfirmAsync(Guid id)
    {
        var seen = new List<int>();
        do seen.Add((await shop.SendAsync("POST", $"/api/reservations/{id}/confirm")).Status);
        while (seen[^1] != 204 && seen.Count < 2_000);
        return seen;
    }

    private static void AssertUnavailable(Answer answer, string problem = "ledger-unavailable")
    {
        answer.AssertProblem(503, problem);
        Assert.NotNull(answer.Headers.RetryAfter?.Delta);
    }
}
