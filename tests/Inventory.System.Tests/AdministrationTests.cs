using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>Operations of an administrator, and requests that a key without the scope may not make.</summary>
[Collection(nameof(Stack))]
public sealed class AdministrationTests(Stack stack)
{
    // The keys of a Development run.
    private const string Admin = "inv_demo_admin_5f1c0e7a9b3d4826a1c7e0f2b4d69853";
    private const string Backend = "inv_demo_backend_c2a8d41f6e9075b3d8f1a6c40b7e2395";

    [Fact]
    public async Task The_second_of_two_concurrent_edits_of_a_product_is_refused_and_overwrites_nothing()
    {
        var sku = await stack.SkuAsync(10);
        using var read = await SendAsync(HttpMethod.Get, $"/api/products/{sku}", Admin);
        var tag = read.Headers.ETag!;

        using var first = await SendAsync(HttpMethod.Put, $"/api/products/{sku}", Admin, new { name = "first" }, tag);
        using var second = await SendAsync(HttpMethod.Put, $"/api/products/{sku}", Admin, new { name = "second" }, tag);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, second.StatusCode);
        Assert.Equal("first", await stack.ReadAsync<string>($"SELECT name FROM products WHERE sku_id = '{sku}'"));
        using var now = await SendAsync(HttpMethod.Get, $"/api/products/{sku}", Admin);
        Assert.Equal(first.Headers.ETag, now.Headers.ETag);
    }

    [Fact]
    public async Task A_key_without_the_scope_changes_nothing()
    {
        var sku = await stack.SkuAsync(10);

        using var refused = await SendAsync(
            HttpMethod.Post, $"/api/products/{sku}/adjustments", Backend,
            new { quantity = 5, reason = "received", reference = "delivery 17" });
        var problem = await refused.Content.ReadFromJsonAsync<JsonNode>();

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.NotNull((string?)problem!["type"]);
        Assert.Equal(10, await stack.ReadAsync<int>($"SELECT total FROM inventory WHERE sku_id = '{sku}'"));
        Assert.Equal(0, await stack.ReadAsync<long>(
            $"SELECT count(*) FROM inventory_movements WHERE sku_id = '{sku}' AND reference = 'delivery 17'"));
    }

    [Fact]
    public async Task The_audit_finds_a_changed_counter_and_a_repair_mends_it_with_a_movement()
    {
        var sku = await stack.SkuAsync(10);
        await stack.RedisAsync($"HINCRBY {{inv:0}}:stock:{sku} reserved 3", expect: ":3");

        await Eventually.TrueAsync(() => stack.ReadAsync<bool>(
            $"SELECT EXISTS (SELECT FROM audit_findings WHERE sku_id = '{sku}' AND kind = 'Reserved')"));

        await Eventually.EqualAsync(0, async () => (int?)(await stack.SnapshotAsync(sku))["reserved"]);
        await Eventually.TrueAsync(() => stack.ReadAsync<bool>(
            $"SELECT EXISTS (SELECT FROM inventory_movements WHERE sku_id = '{sku}' AND reason = 'repair')"));
    }

    [Fact]
    public async Task A_total_changed_while_the_worker_was_down_and_its_slot_dropped_reaches_Redis()
    {
        var sku = await stack.SkuAsync(10);
        await stack.StopAsync("reconciliation-worker");
        try
        {
            await Eventually.TrueAsync(async () =>
                !await stack.ReadAsync<bool>("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE active)"));
            await stack.ExecuteAsync("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
            await stack.ExecuteAsync($"UPDATE inventory SET total = total + 5 WHERE sku_id = '{sku}'");
        }
        finally
        {
            await stack.StartAsync("reconciliation-worker");
        }

        await Eventually.EqualAsync(15, async () => (int?)(await stack.SnapshotAsync(sku))["total"]);
        await stack.ExecuteAsync($"UPDATE inventory SET total = total + 5 WHERE sku_id = '{sku}'");
        await Eventually.EqualAsync(20, async () => (int?)(await stack.SnapshotAsync(sku))["total"]);
    }

    [Fact]
    public async Task Redis_keeps_all_data_when_its_process_dies_and_its_report_has_no_warning()
    {
        using var response = await SendAsync(HttpMethod.Get, "/api/operations/redis", Admin);
        var report = (await response.Content.ReadFromJsonAsync<JsonNode>())!;

        Assert.Equal("no", (string?)report["persistence"]!["fsync"]);
        Assert.StartsWith("Nothing when its process dies.", (string?)report["persistence"]!["mayLose"]);
        Assert.Empty(report["warnings"]!.AsArray());
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string key, object? body = null, EntityTagHeaderValue? matches = null)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = body is null ? null : JsonContent.Create(body),
            Headers = { { "X-Api-Key", key } },
        };
        if (matches is not null) request.Headers.IfMatch.Add(matches);
        return await stack.Gateway.SendAsync(request);
    }
}
