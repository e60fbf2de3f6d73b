using System.Net;
using System.Security.Cryptography;
using Inventory.Contracts;
using Inventory.Faults.History;
using Inventory.Identity;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Faults.Running;

/// <summary>
/// The whole product in separate processes, each behind a proxy that can fail: Redis, PostgreSQL, two APIs, the workers
/// and the gateway.
/// </summary>
public sealed class Installation : IAsyncDisposable
{
    /// <summary>The API key of all clients; it has every scope.</summary>
    public const string Key = "inv_test_faults_0123456789abcdef0123456789abcdef";

    private static readonly string[] Policies = ["Reserve", "Change", "Confirm", "Read", "Administration"];
    private readonly List<IAsyncDisposable> owned = [];
    private readonly SeededBug? bug;

    private Installation(SeededBug? bug) => this.bug = bug;

    /// <summary>The key that signs webhooks.</summary>
    public byte[] WebhookKey { get; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>PostgreSQL.</summary>
    public PostgresServer Postgres { get; private set; } = null!;

    /// <summary>Redis.</summary>
    public RedisServer RedisServer { get; private set; } = null!;

    /// <summary>The ledger, without a proxy.</summary>
    public NpgsqlDataSource Ledger { get; private set; } = null!;

    /// <summary>Redis, without a proxy.</summary>
    public ConnectionMultiplexer Redis { get; private set; } = null!;

    /// <summary>The harness' own engine, without a proxy.</summary>
    public StockStores Engine { get; private set; } = null!;

    /// <summary>Services by name.</summary>
    public IReadOnlyDictionary<string, Member> Members { get; private set; } = null!;

    /// <summary>Proxies by name.</summary>
    public IReadOnlyDictionary<string, UnreliableProxy> Networks { get; private set; } = null!;

    /// <summary>The gateway's address for clients.</summary>
    public Uri Front { get; private set; } = null!;

    /// <summary>Starts everything, and waits until every service is healthy.</summary>
    /// <param name="bug">A bug to seed into the product; null for none.</param>
    public static async Task<Installation> StartAsync(SeededBug? bug = null)
    {
        var installation = new Installation(bug);
        try
        {
            await installation.StartStoresAsync();
            await installation.StartServicesAsync();
            return installation;
        }
        catch
        {
            await installation.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client of the gateway with a timeout.</summary>
    public HttpClient CreateClient(TimeSpan patience) => new(new SocketsHttpHandler { UseCookies = false })
    {
        BaseAddress = Front,
        Timeout = patience,
        DefaultRequestHeaders = { { InventoryHeaders.ApiKey, Key } },
    };

    /// <summary>Creates products, and waits until Redis has them.</summary>
    public async Task StockAsync(IEnumerable<(string Sku, int Total, int? Limit)> products)
    {
        foreach (var (sku, total, limit) in products)
        {
            await using var insert = Ledger.CreateCommand(
                """
                WITH product AS (INSERT INTO products (sku_id, name, max_per_customer) VALUES ($1, 'Something', $3))
                INSERT INTO inventory (sku_id, total) VALUES ($1, $2)
                """);
            insert.Parameters.Add(new() { Value = sku });
            insert.Parameters.Add(new() { Value = total });
            insert.Parameters.Add(new NpgsqlParameter<int?> { TypedValue = limit });
            await insert.ExecuteNonQueryAsync();
            await Waiting.UntilAsync(
                $"{sku} is in Redis", async () => (await Engine.Levels.SnapshotAsync(sku)).Total == total);
        }
    }

    /// <summary>Runs SQL statements directly on the ledger.</summary>
    public Task ExecuteAsync(string sql) => Ledger.ExecuteAsync(sql);

    /// <summary>Stops everything.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var i = owned.Count - 1; i >= 0; i--) await owned[i].DisposeAsync();
    }

    private async Task StartStoresAsync()
    {
        Postgres = Own(await PostgresServer.StartAsync("max_connections=300"));
        RedisServer = Own(await RedisServer.StartAsync(RedisPersistence.Written));
        Ledger = Own(NpgsqlDataSource.Create(Postgres.ConnectionString));
        Redis = Own(await ConnectionMultiplexer.ConnectAsync(
            $"{RedisServer.AdminConnectionString},abortConnect=false"));
        Engine = new(Redis, Options.Create(new StockOptions()));
        Networks = new Dictionary<string, UnreliableProxy>
        {
            ["api-redis"] = Own(new UnreliableProxy(RedisServer.Port)),
            ["worker-redis"] = Own(new UnreliableProxy(RedisServer.Port)),
            ["api-ledger"] = Own(new UnreliableProxy(Postgres.Port)),
            ["worker-ledger"] = Own(new UnreliableProxy(Postgres.Port)),
        };
    }

    private async Task StartServicesAsync()
    {
        (string, string)[] keys =
        [
            ("ApiKeys:0:Name", "test"), ("ApiKeys:0:Hash", ApiKeyRing.HashOf(Key)),
            ("ApiKeys:0:Scopes:0", ScopeNames.Reserve), ("ApiKeys:0:Scopes:1", ScopeNames.Confirm),
            ("ApiKeys:0:Scopes:2", ScopeNames.Admin),
        ];
        // Repairs are off: they would hide violations from the checker.
        await AddAsync("reconciliation-worker", "Inventory.ReconciliationWorker", Ports.Free(), Stores("worker"),
            ("Audit:AutomaticRepair", "false"));
        await Waiting.UntilAsync("the reconciliation worker is healthy",
            () => Members["reconciliation-worker"].IsHealthyAsync());
        if (bug?.Sql is { } sql) await ExecuteAsync(sql);
        var (one, two, gateway) = (Ports.Free(), Ports.Free(), Ports.Free());
        (string, string)[] api =
            [.. keys, ("Payments:WebhookSecrets:0", SignedWebhook.Prefix + Convert.ToBase64String(WebhookKey))];
        await Task.WhenAll(
            AddAsync("materializer", "Inventory.Materializer", Ports.Free(), Stores("worker")),
            AddAsync("expiration-worker", "Inventory.ExpirationWorker", Ports.Free(), Stores("worker")),
            AddAsync("api-1", "Inventory.ReservationApi", one, Stores("api"), api),
            AddAsync("api-2", "Inventory.ReservationApi", two, Stores("api"), api),
            AddAsync("gateway", "Inventory.Gateway", gateway, Stores("worker"),
            [
                .. keys, .. Policies.Select(each => ($"Gateway:RateLimits:{each}:ApiKey:Permits", "0")),
                ("Gateway:RateLimits:Webhook:Address:Permits", "0"),
                ("services:reservation-api:http:0", $"http://127.0.0.1:{one}"),
                ("services:reservation-api:http:1", $"http://127.0.0.1:{two}"),
            ]));
        var front = Own(new UnreliableProxy(gateway));
        Networks = new Dictionary<string, UnreliableProxy>(Networks) { ["front"] = front };
        Front = new($"http://{IPAddress.Loopback}:{front.Port}");
        foreach (var member in Members.Values)
        {
            await Waiting.UntilAsync($"{member.Name} is healthy", member.IsHealthyAsync);
        }
    }

    private (string, string)[] Stores(string who) =>
    [
        ("ConnectionStrings:redis", $"127.0.0.1:{Networks[$"{who}-redis"].Port}"),
        ("ConnectionStrings:ledger", new NpgsqlConnectionStringBuilder(Postgres.ConnectionString)
        {
            Port = Networks[$"{who}-ledger"].Port,
        }.ConnectionString),
    ];

    private async Task AddAsync(
        string name, string project, int port, (string, string)[] stores, params (string, string)[] settings)
    {
        var folder = bug?.FolderOf(project) ?? ServiceProcess.FolderOf(project);
        // A restarted service keeps its port, so that the gateway finds it again.
        (string, string)[] all = [.. stores, .. settings, ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}")];
        var member = await Member.StartAsync(name, () => ServiceProcess.StartFromAsync(folder, project, all));
        lock (owned)
        {
            owned.Add(member);
            Members = new Dictionary<string, Member>(Members ?? new Dictionary<string, Member>()) { [name] = member };
        }
    }

    private T Own<T>(T part) where T : IAsyncDisposable
    {
        lock (owned) owned.Add(part);
        return part;
    }
}
