using System.Security.Cryptography;
using Inventory.Contracts;
using Inventory.Identity;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Crash.Tests;

/// <summary>
/// Both stores, the reconciliation worker in its own process, and an API in another that tests kill. The API reaches
/// the stores through proxies; the test uses them directly.
/// </summary>
public sealed class Site : IAsyncLifetime
{
    internal const string Key = "inv_test_crash_0123456789abcdef0123456789abcdef";
    private static int names;

    private readonly byte[] webhookKey = RandomNumberGenerator.GetBytes(32);
    private readonly List<IAsyncDisposable> owned = [];
    private PostgresServer postgres = null!;
    private RedisServer redisServer = null!;
    private HoldingProxy toRedis = null!;
    private HoldingProxy toLedger = null!;
    private ServiceProcess worker = null!;
    private Task<ServiceProcess> api = null!;
    private string runId = "";

    public ConnectionMultiplexer Redis { get; private set; } = null!;

    public NpgsqlDataSource Ledger { get; private set; } = null!;

    /// <summary>The test's own access to Redis, without the proxies.</summary>
    public StockStores Engine { get; private set; } = null!;

    /// <summary>The settings with which a service finds the stores.</summary>
    public (string Name, string Value)[] Stores =>
    [
        ("ConnectionStrings:redis", redisServer.ConnectionString),
        ("ConnectionStrings:ledger", postgres.ConnectionString),
    ];

    public async Task InitializeAsync()
    {
        postgres = Own(await PostgresServer.StartAsync());
        redisServer = Own(await RedisServer.StartAsync(RedisPersistence.Written));
        toRedis = Own(new HoldingProxy(redisServer.Port));
        toLedger = Own(new HoldingProxy(postgres.Port));
        Ledger = Own(NpgsqlDataSource.Create(postgres.ConnectionString));
        Redis = Own(await ConnectionMultiplexer.ConnectAsync(redisServer.AdminConnectionString));
        Engine = new(Redis, Options.Create(new StockOptions()));
        worker = Own(await ServiceProcess.StartAsync("Inventory.ReconciliationWorker", Stores));
        StartApi();
        await UntilHealthyAsync(worker);
        runId = ((string)(await Redis.GetDatabase().ExecuteAsync("INFO", "server"))!).Split("\r\n")
            .Single(line => line.StartsWith("run_id:", StringComparison.Ordinal))["run_id:".Length..];
        await LoadScriptsAsync();
    }

    public async Task DisposeAsync()
    {
        await (await api).DisposeAsync();
        for (var i = owned.Count - 1; i >= 0; i--) await owned[i].DisposeAsync();
    }

    /// <summary>The API that runs now.</summary>
    public Task<ServiceProcess> ApiAsync() => api;

    /// <summary>Kills the API with SIGKILL, and begins to start another.</summary>
    public async Task KillApiAsync()
    {
        // The HTTP client stays open: pending calls have to fail because the API is dead, not because of the test.
        await Own(await api).KillAsync();
        StartApi();
    }

    /// <summary>Freezes the worker, so that it doesn't act before the API has reached a step.</summary>
    public void FreezeWorker() => worker.Freeze();

    /// <summary>Ends <see cref="FreezeWorker"/>.</summary>
    public void ThawWorker() => worker.Thaw();

    /// <summary>Holds a step when the API reaches it.</summary>
    /// <param name="step">The step.</param>
    /// <param name="fate">Whether the store is to see it before the API dies.</param>
    public HeldStep HoldNext(Step step, Fate fate) => step.IsOfRedis()
        ? toRedis.HoldNext(fate.Part(), HashOf(step.Script()))
        : toLedger.HoldNext(fate.Part(), step.Sql());

    /// <summary>A product that no other test uses.</summary>
    public async Task<string> SkuAsync(int total)
    {
        var sku = $"crash-{Interlocked.Increment(ref names)}";
        await ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Something')");
        await ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{sku}', {total})");
        await Eventually.EqualAsync(total, async () => (await Engine.Levels.SnapshotAsync(sku)).Total, this);
        return sku;
    }

    /// <summary>A pending reservation of a new customer.</summary>
    public async Task<Guid> HoldAsync(params Line[] lines)
    {
        var id = Guid.NewGuid();
        var answer = await Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer($"user-{id:N}"),
            Lines = lines,
            HoldFor = TimeSpan.FromHours(1),
        });
        Assert.Equal(ReserveOutcome.Held, answer.Outcome);
        return id;
    }

    /// <summary>Confirms over HTTP.</summary>
    /// <returns>The status, or null when the API died before it answered.</returns>
    public async Task<int?> ConfirmAsync(Guid id)
    {
        var http = (await api).Http;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/reservations/{id}/confirm");
        request.Headers.Add(InventoryHeaders.ApiKey, Key);
        try
        {
            using var response = await http.SendAsync(request);
            return (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>Reports an approved payment, as its provider does.</summary>
    /// <returns>The status, or null when the API died before it answered.</returns>
    public async Task<int?> PayAsync(Guid id, string eventId)
    {
        var http = (await api).Http;
        var data = $$"""{"reservationId":"{{id}}","paymentId":"pay-{{eventId}}"}""";
        var body = $$"""{"type":"payment.approved","data":{{data}}}""";
        using var request = SignedWebhook.Request(webhookKey, eventId, body);
        try
        {
            using var response = await http.SendAsync(request);
            return (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public async Task<ReservationStatus> StatusAsync(Guid id) => (await Engine.Holds.FindAsync(id)).Reservation!.Status;

    /// <summary>Ends the leases of all confirming holds by past scores, until the worker has settled each.</summary>
    public Task UntilSettledAsync() => Eventually.TrueAsync(async () =>
    {
        var leases = new Partition(0).Leases;
        var ids = await Redis.GetDatabase().SortedSetRangeByRankAsync(leases);
        foreach (var id in ids)
        {
            await Redis.GetDatabase().SortedSetAddAsync(leases, id, 1, SortedSetWhen.Exists);
        }

        return ids.Length == 0;
    }, this);

    public Task ExecuteAsync(string sql) => Ledger.ExecuteAsync(sql);

    public Task<T> ReadAsync<T>(string sql) => Ledger.ReadAsync<T>(sql);

    /// <summary>The worker's last output, for the message of a failing test.</summary>
    public override string ToString() => $"The worker says:\n{worker}";

    private T Own<T>(T part) where T : IAsyncDisposable
    {
        owned.Add(part);
        return part;
    }

    private void StartApi() => api = StartHealthyApiAsync();

    /// <summary>Starts another API, which uses the stores without the proxies.</summary>
    /// <param name="address">Its address; null: any free port.</param>
    public async Task<ServiceProcess> StartReplicaAsync(Uri? address = null)
    {
        var started = await ServiceProcess.StartAsync(
            "Inventory.ReservationApi",
            ("ConnectionStrings:redis", redisServer.ConnectionString),
            ("ConnectionStrings:ledger", postgres.ConnectionString),
            ("ASPNETCORE_URLS", address?.ToString() ?? "http://127.0.0.1:0"),
            // A pause of a busy machine could exceed the default timeout, and reserves would become tickets.
            ("StockCircuit:CallTimeout", "00:00:10"),
            ("ApiKeys:0:Name", "test"),
            ("ApiKeys:0:Hash", ApiKeyRing.HashOf(Key)),
            ("ApiKeys:0:Scopes:0", "reserve"),
            ("Payments:WebhookSecrets:0", SignedWebhook.Prefix + Convert.ToBase64String(webhookKey)));
        await UntilHealthyAsync(started);
        return started;
    }

    /// <summary>Starts a gateway in front of replicas, without rate limits for API keys.</summary>
    public async Task<ServiceProcess> StartGatewayAsync(params ServiceProcess[] replicas)
    {
        var started = await ServiceProcess.StartAsync(
            "Inventory.Gateway",
            [
                ("ConnectionStrings:redis", redisServer.ConnectionString),
                ("ApiKeys:0:Name", "test"),
                ("ApiKeys:0:Hash", ApiKeyRing.HashOf(Key)),
                ("ApiKeys:0:Scopes:0", "reserve"),
                ("Gateway:RateLimits:Reserve:ApiKey:Permits", "0"),
                ("Gateway:RateLimits:Read:ApiKey:Permits", "0"),
                .. replicas.Select((replica, place) => (
                    $"services:reservation-api:http:{place}", replica.Http.BaseAddress!.ToString())),
            ]);
        await UntilHealthyAsync(started);
        return started;
    }

    private async Task<ServiceProcess> StartHealthyApiAsync()
    {
        var started = await ServiceProcess.StartAsync(
            "Inventory.ReservationApi",
            ("ConnectionStrings:redis", $"127.0.0.1:{toRedis.Port}"),
            ("ConnectionStrings:ledger",
                new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Port = toLedger.Port }.ConnectionString),
            ("ApiKeys:0:Name", "test"),
            ("ApiKeys:0:Hash", ApiKeyRing.HashOf(Key)),
            ("ApiKeys:0:Scopes:0", "confirm"),
            ("ApiKeys:0:Scopes:1", "reserve"),
            ("Payments:WebhookSecrets:0", SignedWebhook.Prefix + Convert.ToBase64String(webhookKey)));
        await UntilHealthyAsync(started);
        return started;
    }

    private Task UntilHealthyAsync(ServiceProcess service) => Eventually.TrueAsync(async () =>
    {
        using var health = await service.Http.GetAsync(new Uri("/health", UriKind.Relative));
        return health.IsSuccessStatusCode;
    }, this);

    /// <summary>The hash in a call of a script; it differs in each run of a server.</summary>
    private string HashOf(string script)
    {
        var ofNoRun = Script.NamesByHash("");
        return Script.NamesByHash(runId).Single(each => each.Value == script && !ofNoRun.ContainsKey(each.Key)).Key;
    }

    /// <summary>Loads the scripts, because the first call of a script is refused as unknown.</summary>
    private async Task LoadScriptsAsync()
    {
        var sku = await SkuAsync(1);
        var id = await HoldAsync(new Line(sku, 1));
        var pinned = await Engine.Confirmations.PinAsync(id, TimeSpan.FromMinutes(1));
        Assert.Equal(UnpinOutcome.Unpinned, await Engine.Confirmations.UnpinAsync(id, pinned.Pins[0]));
        Assert.Equal(CommitOutcome.NotFound, await Engine.Confirmations.CommitAsync(Guid.NewGuid(), [new(sku, 1, 0)]));
    }
}

/// <summary>The tests that share one <see cref="Site"/>, one after another.</summary>
[CollectionDefinition(nameof(Site))]
public sealed class SiteTests : ICollectionFixture<Site>;
