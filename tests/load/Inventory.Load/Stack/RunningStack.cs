using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Identity;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Load.Stack;

/// <summary>A product that runs on this machine, as its application host wrote it down.</summary>
/// <param name="file">The host's resources.json.</param>
internal sealed class RunningStack(string file) : IDisposable
{
    /// <summary>More units than any load can take.</summary>
    public const int Plenty = 100_000_000;

    private readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Names of everything that runs.</summary>
    public IEnumerable<string> Names => Resources().Select(resource => (string)resource["name"]!);

    /// <summary>The gateway's address.</summary>
    public Uri Gateway => Addresses("gateway")[0];

    /// <summary>How Npgsql connects to the system of record.</summary>
    public string Ledger => (string)Resource("ledger")["connectionString"]!;

    /// <summary>How StackExchange.Redis connects.</summary>
    public string Redis => (string)Resource("redis")["connectionString"]!;

    /// <summary>Addresses of a resource's replicas.</summary>
    public Uri[] Addresses(string resource) =>
        [.. Resource(resource)["urls"]!.AsArray().Select(url => new Uri((string)url!))];

    /// <summary>Process ids of a resource's replicas; none where it is part of another's process.</summary>
    public int[] ProcessIds(string resource) =>
        [.. Resource(resource)["pids"]!.AsArray().Select(pid => (int)pid!)];

    /// <summary>Creates a product that nobody else loads, and that can't run out.</summary>
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
        request.Headers.Add("X-Api-Key", DemoKeys.Admin);
        using var response = await client.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Creates products by plain SQL, and waits until the last of them is in the shop window.</summary>
    public async Task CreateManyAsync(string prefix, int count, int total, CancellationToken stop)
    {
        await using var ledger = NpgsqlDataSource.Create(Ledger);
        await using var products = ledger.CreateCommand(
            $"""
            INSERT INTO products (sku_id, name) SELECT '{prefix}-' || n, 'Load' FROM generate_series(1, {count}) n;
            INSERT INTO inventory (sku_id, total) SELECT '{prefix}-' || n, {total} FROM generate_series(1, {count}) n;
            """);
        await products.ExecuteNonQueryAsync(stop);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(Redis);
        foreach (var n in new[] { 1, count / 2, count })
        {
            while (!await redis.GetDatabase().KeyExistsAsync($"{{inv:0}}:stock:{prefix}-{n}"))
            {
                await Task.Delay(50, stop);
            }
        }
    }

    /// <summary>What Redis says of a SKU, through the gateway.</summary>
    public async Task<(int Total, int Reserved)> SnapshotAsync(string sku)
    {
        var snapshot = (await client.GetFromJsonAsync<JsonNode>(new Uri(Gateway, $"/snapshot/{sku}")))!;
        return ((int)snapshot["total"]!, (int)snapshot["reserved"]!);
    }

    /// <summary>Units of one SKU in pending reservations, by PostgreSQL's account.</summary>
    public async Task<(int Total, long Pending)> StoredAsync(string sku)
    {
        await using var ledger = NpgsqlDataSource.Create(Ledger);
        await using var stored = ledger.CreateCommand(
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
    public void Dispose() => client.Dispose();

    private IEnumerable<JsonNode> Resources() =>
        JsonNode.Parse(File.ReadAllText(file))!["resources"]!.AsArray().Select(resource => resource!);

    private JsonNode Resource(string name) => Resources().Single(resource => (string)resource["name"]! == name);
}
