using Inventory.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Standins.Clients.Tests;

[Collection(nameof(Servers))]
public sealed class RedisClientTests(Servers servers)
{
    private const string Check = "StackExchange.Redis";
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task A_client_works_and_its_untagged_check_is_healthy()
    {
        using var host = Build(("ConnectionStrings:redis", servers.Redis.ConnectionString));

        var database = host.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        await database.StringSetAsync("client-test", "kept");
        Assert.Equal("kept", await database.StringGetAsync("client-test"));

        var (report, _) = await Servers.CheckAsync(host.Services);
        Assert.Equal(HealthStatus.Healthy, report.Entries[Check].Status);
        Assert.Empty(report.Entries[Check].Tags);
    }

    [Fact]
    public async Task A_frozen_Redis_is_unhealthy_soon_and_healthy_when_it_goes_on()
    {
        await using var redis = await RedisServer.StartAsync();
        using var host = Build(("ConnectionStrings:redis", redis.ConnectionString));
        Assert.Equal(HealthStatus.Healthy, (await Servers.CheckAsync(host.Services)).Report.Status);

        redis.Freeze();
        var (frozen, taken) = await Servers.CheckAsync(host.Services);
        redis.Thaw();

        Assert.Equal(HealthStatus.Unhealthy, frozen.Entries[Check].Status);
        Assert.InRange(taken, TimeSpan.Zero, Prompt);
        Assert.Equal(HealthStatus.Healthy, (await Servers.CheckAsync(host.Services)).Report.Status);
    }

    [Fact]
    public async Task A_Redis_that_is_away_from_the_start_is_unhealthy_soon_and_found_when_it_comes()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        using var host = Build(("ConnectionStrings:redis", redis.ConnectionString + ",connectTimeout=1000"));

        var (away, taken) = await Servers.CheckAsync(host.Services);
        Assert.Equal(HealthStatus.Unhealthy, away.Entries[Check].Status);
        Assert.InRange(taken, TimeSpan.Zero, Prompt);

        var connection = await Task.Run(host.Services.GetRequiredService<IConnectionMultiplexer>);
        var restored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionRestored += (_, _) => restored.TrySetResult();
        await redis.RestartAsync();
        await restored.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(HealthStatus.Healthy, (await Servers.CheckAsync(host.Services)).Report.Status);
    }

    [Theory]
    //          the last word                                              client name
    [InlineData("section", "section")]
    [InlineData("section, named section", "named")]
    [InlineData("section, named section, connection string", "string")]
    [InlineData("section, named section, connection string, code", "code")]
    public void The_more_specific_setting_wins(string present, string expected)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        string Value(string name) => $"localhost,name={name}";
        if (present.Contains("section", StringComparison.Ordinal))
        {
            Add("Aspire:StackExchange:Redis:ConnectionString", Value("section"));
        }

        if (present.Contains("named", StringComparison.Ordinal))
        {
            Add("Aspire:StackExchange:Redis:redis:ConnectionString", Value("named"));
        }

        if (present.Contains("string", StringComparison.Ordinal))
        {
            Add("ConnectionStrings:redis", Value("string"));
        }

        string? seen = null;
        builder.AddRedisClient("redis", settings =>
        {
            settings.ConnectionString =
                present.Contains("code", StringComparison.Ordinal) ? Value("code") : settings.ConnectionString;
            seen = settings.ConnectionString;
        });

        Assert.Equal(Value(expected), seen);

        void Add(string key, string value) =>
            builder.Configuration.AddInMemoryCollection([new KeyValuePair<string, string?>(key, value)]);
    }

    [Fact]
    public void A_client_does_not_give_up_on_the_first_failure_and_code_has_the_last_word_on_its_options()
    {
        ConfigurationOptions? seen = null;
        using var host = Build(
            options => (seen = options).ClientName = "code",
            ("ConnectionStrings:redis", servers.Redis.ConnectionString + ",name=string"),
            ("Aspire:StackExchange:Redis:ConfigurationOptions:ConnectRetry", "7"));

        var connection = host.Services.GetRequiredService<IConnectionMultiplexer>();

        Assert.Equal("code", connection.ClientName);
        Assert.False(seen!.AbortOnConnectFail);
        Assert.Equal(7, seen.ConnectRetry);
    }

    [Fact]
    public async Task A_keyed_client_has_a_check_of_its_own()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:replica"] = servers.Redis.ConnectionString;
        builder.AddKeyedRedisClient("replica");
        using var host = builder.Build();

        var connection = host.Services.GetRequiredKeyedService<IConnectionMultiplexer>("replica");

        Assert.True(connection.IsConnected);
        Assert.Null(host.Services.GetService<IConnectionMultiplexer>());
        var (report, _) = await Servers.CheckAsync(host.Services);
        Assert.Equal(HealthStatus.Healthy, report.Entries["StackExchange.Redis_replica"].Status);
    }

    [Fact]
    public async Task Without_a_connection_string_the_check_names_the_setting()
    {
        using var host = Build();

        var (report, _) = await Servers.CheckAsync(host.Services);

        Assert.Equal(HealthStatus.Unhealthy, report.Entries[Check].Status);
        Assert.Contains("ConnectionStrings:redis", report.Entries[Check].Description, StringComparison.Ordinal);
    }

    private static IHost Build(params (string Key, string Value)[] settings) => Build(null, settings);

    private static IHost Build(Action<ConfigurationOptions>? configure, params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging();
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value));
        builder.AddRedisClient("redis", configureOptions: configure);
        return builder.Build();
    }
}
