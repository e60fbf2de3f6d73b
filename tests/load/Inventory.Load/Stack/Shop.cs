using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Contracts;
using Inventory.Identity;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Load.Stack;

/// <summary>The product as callers and an operator with SQL access see it.</summary>
/// <param name="gateway">The gateway's address.</param>
/// <param name="redis">The connection string of Redis.</param>
/// <param name="ledger">The connection string of the ledger.</param>
internal class Shop(Uri gateway, string redis, string ledger) : IDisposable
{
    /// <summary>More units than any load can reserve.</summary>
    public const int Plenty = 100_000_000;

    private readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>The gateway's address.</summary>
    public Uri Gateway => gateway;

    /// <summary>The connection string of the ledger.</summary>
    public string Ledger => ledger;

    /// <summary>The connection string of Redis.</summary>
    public string Redis => redis;

    /// <summary>The shop from the environment variables that Aspire sets for a resource of the AppHost.</summary>
    /// <returns>The shop; null when Aspire did not start this program.</returns>
    public static Shop? TryOfEnvironment() =>
        Environment.GetEnvironmentVariable("services__gateway__http__0") is { } gateway
        && Environment.GetEnvironmentVariable("ConnectionStrings__redis") is { } redis
        && Environment.GetEnvironmentVariable("ConnectionStrings__ledger") is { } ledger
            ? new(new(gateway), redis, ledger) : null;

    /// <summary>Creates a product that no other load uses and that can't sell out.</summary>
    /// <returns>Its SKU.</returns>
    public async Task<string> CreateOwnAsync()
    {
        var sku = $"bench-{Guid.NewGuid():N}";
        await CreateAsync(sku, Plenty);
        return sku;
    }

    /// <summary>Creates a product as an administrator would.</summary>
    public async Task CreateAsync(string sku, int total)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(Gateway, $"/api/products/{sku}"))
        {
            Content = JsonContent.Create(new { name = $"Load {sku}", total }),
        };
        request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        request.Headers.Add(InventoryHeaders.ApiKey, DemoKeys.Admin);
        using var response = await client.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Creates products by plain SQL, and waits until Redis has the last one.</summary>
    public async Task CreateManyAsync(string prefix, int count, int total, CancellationToken stop)
    {
        await using var source = NpgsqlDataSource.Create(ledger);
        await using var products = source.CreateCommand(
            $"""
            INSERT INTO products (sku_id, name) SELECT '{prefix}-' || n, 'Load' FROM generate_series(1, {count}) n;
            INSERT INTO inventory (sku_id, total) SELECT '{prefix}-' || n, {total} FROM generate_series(1, {count}) n;
            """);
        await products.ExecuteNonQueryAsync(stop);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis);
        foreach (var n in new[] { 1, count / 2, count })
        {
            while (!await connection.GetDatabase().KeyExistsAsync($"{{inv:0}}:stock:{prefix}-{n}"))
            {
                await Task.Delay(50, stop);
            }
        }
    }

    /// <summary>The stock level in Redis, read through the gateway.</summary>
    public async Task<(int Total, int Reserved)> SnapshotAsync(string sku)
    {
        var snapshot = (await client.GetFromJsonAsync<JsonNode>(new Uri(Gateway, $"/snapshot/{sku}")))!;
        return ((int)snapshot["total"]!, (int)snapshot["reserved"]!);
    }

    /// <summary>The total of a SKU and its number of pending reservations, from PostgreSQL.</summary>
    public async Task<(int Total, long Pending)> StoredAsync(string sku)
    {
        await using var source = NpgsqlDataSource.Create(ledger);
        await using var stored = source.CreateCommand(
            """
            SELECT (SELECT total FROM inventory WHERE sku_id = $1),
                (SELECT count(*) FROM reservations WHERE status = 'pending' AND lines::text LIKE '%"' || $1 || '"%')
            """);
        stored.Parameters.Add(new() { Value = sku });
        await using var row = await stored.ExecuteReaderAsync();
        await row.ReadAsync();
        return (row.GetInt32(0), row.GetInt64(1));
    }

    /// <summary>Closes its connections.</summary>
    public void Dispose()
    {
        client.Dispose();
        GC.SuppressFinalize(this);
    }
}
