using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Inventory.Contracts;
using Inventory.Identity;
using Inventory.Stock;
using Inventory.Storage;
using Inventory.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Tests;

/// <summary>The API on Kestrel with its own Redis. Tests share it, because each uses new SKUs.</summary>
public sealed class Api : IAsyncLifetime
{
    private readonly Dictionary<string, string> settings;
    private WebApplicationFactory<Program>? factory;
    private HttpClient? http;
    private RedisServer? redis;
    private Exception? startRefusal;
    private static int names;

    public Api() : this([])
    {
    }

    internal Api(Dictionary<string, string> settings) => this.settings = settings;

    public RedisServer Redis => redis!;

    public HttpClient Http => http!;

    /// <summary>The API's log.</summary>
    public LogSink Log { get; } = new();

    public StockStores Engine => Services.GetRequiredService<StockStores>();

    public IServiceProvider Services => factory!.Services;

    /// <summary>A key with one scope, or with <c>all</c>.</summary>
    public static string Key(string scope) => $"inv_test_{scope}_0123456789abcdef0123456789abcdef";

    public T Get<T>() where T : notnull => Services.GetRequiredService<T>();

    public async Task InitializeAsync()
    {
        redis = await RedisServer.StartAsync(RedisPersistence.Written);
        factory = Host(new Dictionary<string, string>
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            // Longer than pauses of a busy machine, which would look like an outage.
            ["StockCircuit:CallTimeout"] = "00:00:02",
            // Nothing listens there: PostgreSQL is unavailable unless a test configures one.
            ["ConnectionStrings:ledger"] = "Host=127.0.0.1;Port=1;Username=none;Database=none",
        }.Concat(settings), services =>
        {
            StartRefusal.Record(services, refused => startRefusal = refused);
            services.AddSingleton<ILoggerProvider>(Log);
        });
        http = factory.CreateClient();
        await Engine.Maintenance.LiftFenceAsync();
    }

    /// <summary>An instance with the keys of the tests. Kestrel, because it applies limits and framing.</summary>
    internal static WebApplicationFactory<Program> Host(
        IEnumerable<KeyValuePair<string, string>> settings, Action<IServiceCollection>? change = null)
    {
        var factory = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            foreach (var (name, value) in Keys().Concat(settings)) host.UseSetting(name, value);
            if (change is not null) host.ConfigureTestServices(change);
        });
        factory.UseKestrel(server => server.Listen(IPAddress.Loopback, 0));
        return factory;
    }

    /// <summary>Whether a call failed because the API has not reconnected to a restarted Redis yet.</summary>
    internal static bool IsReconnecting(Exception e) => e is StoreException { IsOutage: true };

    /// <summary>
    /// Starts with settings that must be refused, and returns the reason. The factory itself may see only that the host
    /// is gone.
    /// </summary>
    internal async Task<Exception> RefusesToStartAsync()
    {
        var error = await Xunit.Record.ExceptionAsync(InitializeAsync);
        await DisposeAsync();
        Assert.NotNull(error);
        return startRefusal ?? error;
    }

    internal static Dictionary<string, string> Keys()
    {
        string[] scopes = ["reserve", "confirm", "admin"];
        var keys = new Dictionary<string, string>();
        foreach (var (place, name) in scopes.Append("all").Index())
        {
            keys[$"ApiKeys:{place}:Name"] = name;
            keys[$"ApiKeys:{place}:Hash"] = ApiKeyRing.HashOf(Key(name));
            string[] granted = name == "all" ? scopes : [name];
            foreach (var (at, scope) in granted.Index()) keys[$"ApiKeys:{place}:Scopes:{at}"] = scope;
        }

        return keys;
    }

    public async Task DisposeAsync()
    {
        http?.Dispose();
        if (factory is not null) await factory.DisposeAsync();
        if (redis is not null) await redis.DisposeAsync();
    }

    /// <summary>A new unique name that sorts after all earlier ones of its kind.</summary>
    public static string Fresh(string kind) => $"test-{kind}-{Interlocked.Increment(ref names):D6}";

    /// <summary>A new SKU on sale.</summary>
    public async Task<string> NewSkuAsync(int total, int? maxPerCustomer = null, bool paused = false)
    {
        var sku = Fresh("sku");
        await Engine.Levels.SetStockAsync(new StockLevel(sku, total, 1, maxPerCustomer, paused));
        return sku;
    }

    public async Task<int> AvailableAsync(string sku) => (await Engine.Levels.SnapshotAsync(sku)).Available;

    /// <summary>Moves a hold's deadline into the past by its score, so that no test has to sleep.</summary>
    public async Task ExpireAsync(string sku, Guid id)
    {
        var database = factory!.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        await database.SortedSetAddAsync($"{{inv:0}}:due:{sku}", ReservationKey.Of(id), 1);
        await database.SortedSetAddAsync("{inv:0}:due", sku, 1);
    }

    /// <summary>Sends JSON, or no body at all.</summary>
    public Task<Answer> SendAsync(string method, string path, string? json = null, string? key = null) =>
        SendAsync(method, path, json is null ? null : Encoding.UTF8.GetBytes(json), "application/json", key);

    /// <summary>Sends a body unchanged.</summary>
    public async Task<Answer> SendAsync(string method, string path, byte[]? body, string? contentType, string? key)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            if (contentType is not null) request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }
        if (key is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return await SendAsync(request);
    }

    /// <summary>Sends JSON, or no body, with headers of the form <c>Name: value</c>.</summary>
    public async Task<Answer> SendWithAsync(string method, string path, string? json, params string[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        foreach (var header in headers)
        {
            var parts = header.Split(": ", 2);
            request.Headers.TryAddWithoutValidation(parts[0], parts[1]);
        }

        return await SendAsync(request);
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using var response = await Http.SendAsync(request);
        return new(
            (int)response.StatusCode,
            await response.Content.ReadAsByteArrayAsync(),
            response.Content.Headers.ContentType?.MediaType,
            response.Headers,
            [.. response.Content.Headers.Allow]);
    }

    /// <summary>Holds stock for a new customer.</summary>
    public async Task<Guid> HoldAsync(string sku, int quantity)
    {
        var answer = await SendAsync("POST", "/api/reservations", OneLine(sku, Fresh("user"), quantity));
        Assert.Equal(201, answer.Status);
        return answer.Json.GetProperty("reservationId").GetGuid();
    }

    public static string OneLine(string sku, string user, int quantity) => string.Create(
        CultureInfo.InvariantCulture, $$"""{"productId":"{{sku}}","userId":"{{user}}","quantity":{{quantity}}}""");
}

/// <summary>An answer of the API.</summary>
public sealed record Answer(
    int Status, byte[] Body, string? MediaType, HttpResponseHeaders Headers, IReadOnlyList<string> Allow)
{
    public JsonElement Json { get; } = MediaType is "application/json" or "application/problem+json"
        ? JsonElement.Parse(Body)
        : default;

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>The text in the message of a failed assertion.</summary>
    public override string ToString() => $"{Status} {Text}";

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? values.Single() : null;

    /// <summary>Checks the parts that all problems of this API have.</summary>
    public void AssertProblem(int status, string slug)
    {
        Assert.Equal((status, "application/problem+json"), (Status, MediaType));
        Assert.Equal($"/problems/{slug}", Json.GetProperty("type").GetString());
        Assert.Equal(status, Json.GetProperty("status").GetInt32());
        Assert.NotEmpty(Json.GetProperty("title").GetString()!);
        Assert.NotEmpty(Json.GetProperty("detail").GetString()!);
        Assert.StartsWith("/", Json.GetProperty("instance").GetString());
        Assert.NotEmpty(Header("Trace-Id")!);
        Assert.DoesNotContain("System.", Text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Text, StringComparison.Ordinal);
    }
}

/// <summary>Tests that share one API and one Redis.</summary>
[CollectionDefinition(Name)]
public sealed class ApiTests : ICollectionFixture<Api>
{
    public const string Name = "api";
}
