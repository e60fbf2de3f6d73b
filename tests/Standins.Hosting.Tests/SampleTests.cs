using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using StackExchange.Redis;

namespace Standins.Hosting.Tests;

/// <summary>The sample AppHost, run as tests run any AppHost.</summary>
public sealed class SampleFixture : IAsyncLifetime
{
    /// <summary>What the AppHost and its resources logged.</summary>
    public LogCollector Log { get; } = new();

    public DistributedApplication App { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sample_AppHost>(patience.Token);
        builder.Services.AddLogging(logging => logging.AddProvider(Log));
        App = await builder.BuildAsync(patience.Token);
        await App.StartAsync(patience.Token);
        await App.ResourceNotifications.WaitForResourceHealthyAsync("gateway", patience.Token);
    }

    public async Task DisposeAsync() => await App.DisposeAsync();
}

public sealed class SampleTests(SampleFixture sample) : IClassFixture<SampleFixture>
{
    private DistributedApplication App => sample.App;

    [Fact]
    public async Task Redis_gets_the_arguments_of_WithArgs_and_wants_its_password()
    {
        var connectionString = await App.GetConnectionStringAsync("cache");
        await using var redis = await ConnectionMultiplexer.ConnectAsync($"{connectionString},allowAdmin=true");
        var server = redis.GetServers().Single();

        var settings = (await server.ConfigGetAsync("*")).ToDictionary(s => s.Key, s => s.Value);

        Assert.Equal("yes", settings["appendonly"]);
        Assert.Equal("everysec", settings["appendfsync"]);
        Assert.Equal("noeviction", settings["maxmemory-policy"]);
        Assert.Equal("60 1", settings["save"]);
        Assert.Equal("127.0.0.1 -::1", settings["bind"]);
        await Assert.ThrowsAsync<RedisConnectionException>(
            () => ConnectionMultiplexer.ConnectAsync(connectionString!.Split(',')[0]));
    }

    [Fact]
    public async Task Postgres_gets_the_arguments_of_WithArgs_and_the_database_is_there()
    {
        await using var ledger = NpgsqlDataSource.Create((await App.GetConnectionStringAsync("ledger"))!);

        await using var command = ledger.CreateCommand(
            "SELECT current_database(), current_setting('wal_level'), current_setting('password_encryption')");
        await using var row = await command.ExecuteReaderAsync();

        Assert.True(await row.ReadAsync());
        Assert.Equal(["books", "logical", "scram-sha-256"], [row.GetString(0), row.GetString(1), row.GetString(2)]);
    }

    [Fact]
    public async Task A_project_gets_the_environment_that_Aspire_gives_it()
    {
        var cache = await App.GetConnectionStringAsync("cache");
        var ledger = await App.GetConnectionStringAsync("ledger");
        var port = App.GetEndpoint("cache", "tcp").Port;
        using var client = App.CreateHttpClient("stock-api");

        var environment = await client.GetFromJsonAsync<Dictionary<string, string>>("/environment");

        Assert.NotNull(environment);
        Assert.Equal(cache, environment["ConnectionStrings__cache"]);
        Assert.Equal(ledger, environment["ConnectionStrings__ledger"]);
        Assert.Equal("localhost", environment["CACHE_HOST"]);
        Assert.Equal($"{port}", environment["CACHE_PORT"]);
        Assert.Equal($"redis://:{environment["CACHE_PASSWORD"]}@localhost:{port}", environment["CACHE_URI"]);
        Assert.Equal("books", environment["LEDGER_DATABASENAME"]);
        Assert.Equal("profile", environment["FROM_PROFILE"]);
        Assert.Equal("Development", environment["ASPNETCORE_ENVIRONMENT"]);
        Assert.Equal("http", environment["DOTNET_LAUNCH_PROFILE"]);
        Assert.Equal(client.BaseAddress, new Uri(environment["ASPNETCORE_URLS"]));
        Assert.Equal("stock-api", environment["OTEL_SERVICE_NAME"]);
        Assert.Matches("^service.instance.id=[a-z]{8}$", environment["OTEL_RESOURCE_ATTRIBUTES"]);
        Assert.Equal("simple", environment["LOGGING__CONSOLE__FORMATTERNAME"]);
        Assert.Equal("true", environment["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"]);
        Assert.Equal("always_on", environment["OTEL_TRACES_SAMPLER"]);
        Assert.DoesNotContain("OTEL_EXPORTER_OTLP_ENDPOINT", environment.Keys);
    }

    [Fact]
    public async Task Every_replica_has_a_port_and_a_service_discovery_entry_of_its_own()
    {
        using var client = App.CreateHttpClient("gateway");

        var environment = await client.GetFromJsonAsync<Dictionary<string, string>>("/environment");

        Assert.NotNull(environment);
        var entries = environment.Where(e => e.Key.StartsWith("services__", StringComparison.Ordinal)).ToDictionary();
        Assert.Equal(["services__stock-api__http__0", "services__stock-api__http__1"], entries.Keys.Order());
        Assert.Equal(2, entries.Values.Distinct().Count());
        Assert.Equal(entries["services__stock-api__http__0"], environment["STOCK_API_HTTP"]);
        foreach (var address in entries.Values)
        {
            Assert.Equal("healthy", await client.GetStringAsync(new Uri($"{address}/health")));
        }
    }

    [Fact]
    public async Task Variables_arguments_and_folder_are_those_of_the_AppHosts_code()
    {
        using var client = App.CreateHttpClient("gateway");

        var environment = await client.GetFromJsonAsync<Dictionary<string, string>>("/environment");

        Assert.NotNull(environment);
        Assert.Equal("on", environment["PLAIN"]);
        Assert.Equal($"redis://localhost:{App.GetEndpoint("cache", "tcp").Port}/0", environment["CACHE_ADDRESS"]);
        Assert.Equal(["--greeting", "hello world"], await client.GetFromJsonAsync<string[]>("/arguments") ?? []);
        Assert.EndsWith("/Sample.Service", await client.GetStringAsync(new Uri("/folder", UriKind.Relative)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_resource_prints_goes_to_a_logger_of_its_name()
    {
        var line = await sample.Log.WaitForAsync(e => e.Category == "Sample.AppHost.Resources.gateway"
            && e.Message.Contains("Now listening on", StringComparison.Ordinal));

        Assert.Matches(@"^\d+: ", line.Message);
    }

    [Fact]
    public void Unknown_names_and_endpoints_are_argument_errors()
    {
        Assert.Throws<ArgumentException>(() => App.CreateHttpClient("nobody"));
        Assert.Throws<ArgumentException>(() => App.CreateHttpClient("gateway", "admin"));
        Assert.Throws<ArgumentException>(() => App.GetEndpoint("ledger"));
    }
}
