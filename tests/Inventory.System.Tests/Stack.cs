using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Inventory.System.Tests.Telemetry;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Inventory.System.Tests;

/// <summary>The whole product as the AppHost describes it, with its own ports and data.</summary>
public sealed class Stack : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static int lastSku;

    private readonly ConcurrentDictionary<string, ResourceEvent> states = new();
    private readonly CancellationTokenSource watching = new();
    private readonly LogSink log = new();
    private readonly ServerFolder data = ServerFolder.Create();
    private DistributedApplication app = null!;
    private NpgsqlDataSource ledger = null!;
    private Task watch = Task.CompletedTask;

    /// <summary>A client of the gateway.</summary>
    public HttpClient Gateway { get; private set; } = null!;

    /// <summary>
    /// The product's telemetry: requests when their caller asks for recording, and all work of the materializer.
    /// </summary>
    public Collector Telemetry { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Inventory_AppHost>(
            ["--port", "0", "--folder", data.Data, "--containers", "false"]);
        builder.Services.AddLogging(logging => logging.AddProvider(log));
        await SendTelemetryAsync(builder);
        app = await builder.BuildAsync();
        watch = WatchAsync();
        await app.StartAsync();
        using var patience = new CancellationTokenSource(Patience);
        // Services with explicit start stay down, so don't wait for them.
        foreach (var service in builder.Resources.OfType<ProjectResource>()
            .Where(service => !service.Annotations.OfType<ExplicitStartupAnnotation>().Any()))
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync(service.Name, patience.Token);
        }

        Gateway = app.CreateHttpClient("gateway");
        Gateway.Timeout = TimeSpan.FromSeconds(60);
        ledger = NpgsqlDataSource.Create((await app.GetConnectionStringAsync("ledger", patience.Token))!);
    }

    public async Task DisposeAsync()
    {
        // After a failed start these may be null, but the started processes must end all the same.
        if (ledger is not null) await ledger.DisposeAsync();
        Gateway?.Dispose();
        if (Telemetry is not null) await Telemetry.DisposeAsync();
        await watching.CancelAsync();
        await watch;
        await app.DisposeAsync();
    }

    public void Dispose()
    {
        watching.Dispose();
        log.Dispose();
        data.Dispose();
    }

    /// <summary>Fails with the last output of the resources, which has the reason of an unexpected answer.</summary>
    /// <param name="what">A description of the failure.</param>
    public void Fail(string what) => Assert.Fail(string.Join(
        Environment.NewLine,
        log.All.Where(line => line.Category.Contains(".Resources.", StringComparison.Ordinal)).TakeLast(400)
            .Select(line => $"{line}").Prepend(what)));

    /// <summary>Creates a product for one test in PostgreSQL, and waits until Redis has it.</summary>
    public async Task<string> SkuAsync(int total, int? limit = null)
    {
        var sku = $"test-{Interlocked.Increment(ref lastSku)}";
        var most = limit?.ToString(CultureInfo.InvariantCulture) ?? "NULL";
        await ExecuteAsync($"INSERT INTO products (sku_id, name, max_per_customer) VALUES ('{sku}', 'Test', {most})");
        await ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{sku}', {total})");
        await Eventually.EqualAsync(total, async () => (int?)(await SnapshotAsync(sku))["total"]);
        return sku;
    }

    /// <summary>
    /// Waits until every replica makes decisions again. Each replica reconnects to Redis at its own time. The gateway
    /// chooses replicas at random, so that one without a connection would answer one of twenty calls.
    /// </summary>
    public async Task DecidingAsync()
    {
        var sku = await SkuAsync(0);
        await Eventually.TrueAsync(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                using var response = await PostAsync("/reserve", new { sku, qty = 1, cart_id = "cart-1" });
                if (response.StatusCode != HttpStatusCode.Conflict) return false;
            }

            return true;
        });
    }

    /// <summary>Waits until PostgreSQL answers; after a kill it recovers first.</summary>
    public Task LedgerAnsweringAsync() => Eventually.EqualAsync(
        1, () => ReadAsync<int>("SELECT 1"),
        // The server is not back yet, or the connection was to the killed one.
        isTransient: e => e is NpgsqlException);

    public Task ExecuteAsync(string sql) => ledger.ExecuteAsync(sql);

    public Task<T> ReadAsync<T>(string sql) => ledger.ReadAsync<T>(sql);

    /// <summary>Sends Redis one command directly, as an operator would, and checks its answer.</summary>
    /// <param name="command">The command, as an operator types it.</param>
    /// <param name="expect">The answer's first line in the protocol's format.</param>
    public async Task RedisAsync(string command, string expect = "+OK") =>
        Assert.Equal(expect, await AskRedisAsync(command));

    /// <summary>Sends Redis one command directly.</summary>
    /// <param name="command">The command, as an operator types it.</param>
    /// <returns>A string, each byte one character; or the answer's first line in the protocol's format.</returns>
    public async Task<string> AskRedisAsync(string command)
    {
        var parts = (await app.GetConnectionStringAsync("redis"))!.Split(',', ':');
        using var connection = new TcpClient(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture));
        await using var stream = connection.GetStream();
        await using var writer = new StreamWriter(stream) { AutoFlush = true };
        using var reader = new StreamReader(stream, Encoding.Latin1);
        foreach (var password in parts.Where(part => part.StartsWith("password=", StringComparison.Ordinal)))
        {
            await writer.WriteAsync($"AUTH {password["password=".Length..]}\r\n");
            Assert.Equal("+OK", await reader.ReadLineAsync());
        }

        await writer.WriteAsync($"{command}\r\n");
        var line = (await reader.ReadLineAsync())!;
        if (line is not ['$', not '-', ..]) return line;
        var text = new char[int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture)];
        await reader.ReadBlockAsync(text);
        return new(text);
    }

    public async Task<JsonNode> SnapshotAsync(string sku)
    {
        using var response = await Gateway.GetAsync(new Uri($"/snapshot/{sku}", UriKind.Relative));
        return (await response.Content.ReadFromJsonAsync<JsonNode>())!;
    }

    public Task<HttpResponseMessage> PostAsync(string path, object body) =>
        Gateway.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);

    /// <summary>Kills the processes of a resource, as a crash would end them.</summary>
    /// <param name="resource">The resource's name; every replica is killed.</param>
    public void Kill(string resource)
    {
        foreach (var pid in ProcessIds(resource)) Process.GetProcessById(pid).Kill();
    }

    /// <summary>Stops a resource gracefully; it stays down until it is started.</summary>
    public Task StopAsync(string resource) => CommandAsync(resource, KnownResourceCommands.StopCommand);

    /// <summary>Starts a resource that was stopped.</summary>
    public Task StartAsync(string resource) => CommandAsync(resource, KnownResourceCommands.StartCommand);

    /// <summary>Stops or continues the processes of a resource without ending them.</summary>
    /// <param name="resource">The resource's name.</param>
    /// <param name="signal"><c>STOP</c> or <c>CONT</c>.</param>
    public async Task SignalAsync(string resource, string signal)
    {
        foreach (var pid in ProcessIds(resource))
        {
            using var kill = Process.Start("kill", [$"-{signal}", pid.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            Assert.Equal(0, kill.ExitCode);
        }
    }

    /// <summary>Process ids of a resource's running replicas.</summary>
    public IReadOnlyList<int> ProcessIds(string resource) =>
    [
        .. states.Values
            .Where(state => state.Resource.Name == resource)
            .Where(state => state.Snapshot.State?.Text == KnownResourceStates.Running)
            .SelectMany(state => state.Snapshot.Properties)
            .Where(property => property.Name == "executable.pid")
            .Select(property => Convert.ToInt32(property.Value, CultureInfo.InvariantCulture)),
    ];

    private async Task CommandAsync(string resource, string command)
    {
        var done = await app.ResourceCommands.ExecuteCommandAsync(resource, command);
        Assert.True(done.Success, $"{command} of {resource} failed.");
    }

    /// <summary>Sends the telemetry of all services to <see cref="Telemetry"/>.</summary>
    private async Task SendTelemetryAsync(IDistributedApplicationTestingBuilder builder)
    {
        Telemetry = await Collector.StartAsync();
        foreach (var project in builder.Resources.OfType<ProjectResource>())
        {
            // Recording every step of many shoppers would slow the product down.
            var sampler = project.Name == "materializer" ? "always_on" : "parentbased_always_off";
            builder.CreateResourceBuilder(project)
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", Telemetry.Address)
                .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
                .WithEnvironment("OTEL_TRACES_SAMPLER", sampler);
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            await foreach (var state in app.ResourceNotifications.WatchAsync(watching.Token))
            {
                states[state.ResourceId] = state;
            }
        }
        catch (OperationCanceledException) when (watching.IsCancellationRequested)
        {
            // The tests have ended.
        }
    }
}

/// <summary>Starts one <see cref="Stack"/>, and runs the tests that share it one after another.</summary>
[CollectionDefinition(nameof(Stack))]
public sealed class StackTests : ICollectionFixture<Stack>;
