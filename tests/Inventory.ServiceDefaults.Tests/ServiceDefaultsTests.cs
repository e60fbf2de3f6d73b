using System.Net;
using Inventory.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Inventory.ServiceDefaults.Tests;

public sealed class ServiceDefaultsTests
{
    [Fact]
    public async Task Health_depends_on_every_check_and_alive_only_on_the_process()
    {
        var time = new FakeTimeProvider();
        await using var redis = await RedisServer.StartAsync();
        await using var app = await StartAsync(
            builder =>
            {
                builder.Environment.EnvironmentName = Environments.Production;
                builder.Configuration["ConnectionStrings:redis"] = redis.ConnectionString;
            },
            builder =>
            {
                builder.AddRedisClient("redis");
                builder.Services.AddSingleton<TimeProvider>(time);
            });
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        Assert.Equal((HttpStatusCode.OK, "Healthy"), await GetAsync("/health"));
        redis.Freeze();
        // What a probe has been told of the stores is valid for half a second.
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await GetAsync("/health"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), await GetAsync("/health"));
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await GetAsync("/alive"));
        // A client that closes waits for answers under way.
        redis.Thaw();

        async Task<(HttpStatusCode, string)> GetAsync(string path)
        {
            using var response = await client.GetAsync(path);
            Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
            Assert.False(response.Headers.Contains("Server"));
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task A_process_that_ends_because_a_worker_failed_has_an_exit_code()
    {
        var before = Environment.ExitCode;
        try
        {
            var builder = WebApplication.CreateBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.AddServiceDefaults();
            builder.Services.AddHostedService<FailingWorker>();
            await using var app = builder.Build();

            await app.RunAsync();

            Assert.Equal((0, 1), (before, Environment.ExitCode));
        }
        finally
        {
            Environment.ExitCode = before;
        }
    }

    [Fact]
    public async Task Without_a_collector_nothing_is_traced_or_measured_unless_configured()
    {
        static void AddClients(WebApplicationBuilder builder)
        {
            builder.AddRedisClient("redis");
            builder.AddNpgsqlDbContext<LedgerContext>("ledger");
            builder.AddNpgsqlDataSource("ledger");
        }

        await using var silent = await StartAsync(_ => { }, AddClients);
        Assert.Null(silent.Services.GetService<TracerProvider>());
        Assert.Null(silent.Services.GetService<MeterProvider>());

        await using var asked = await StartAsync(
            builder => builder.Configuration["Aspire:StackExchange:Redis:DisableTracing"] = "false", AddClients);
        Assert.NotNull(asked.Services.GetService<TracerProvider>());
    }

    [Theory]
    //          category                                            setting   level   enabled
    [InlineData("Inventory.Stock.HoldStore", null, LogLevel.Information, true)]
    [InlineData("Microsoft.AspNetCore.Hosting.Diagnostics", null, LogLevel.Information, false)]
    [InlineData("Microsoft.AspNetCore.Hosting.Diagnostics", "Microsoft.AspNetCore", LogLevel.Debug, true)]
    [InlineData("Microsoft.AspNetCore.Routing", "Microsoft.AspNetCore.Routing", LogLevel.Debug, true)]
    [InlineData("Microsoft.EntityFrameworkCore.Database.Command", null, LogLevel.Information, false)]
    [InlineData("System.Net.Http.HttpClient.api.LogicalHandler", null, LogLevel.Information, false)]
    [InlineData("Yarp.ReverseProxy.Forwarder.HttpForwarder", null, LogLevel.Information, false)]
    [InlineData("Yarp.ReverseProxy.Forwarder.HttpForwarder", null, LogLevel.Warning, true)]
    [InlineData("StackExchange.Redis.ConnectionMultiplexer", null, LogLevel.Information, false)]
    [InlineData("Polly", null, LogLevel.Information, false)]
    public async Task Frameworks_are_quiet_unless_configuration_says_otherwise(
        string category, string? setting, LogLevel level, bool expected)
    {
        await using var app = await StartAsync(
            builder =>
            {
                if (setting is not null)
                {
                    builder.Configuration[$"Logging:LogLevel:{setting}"] = "Debug";
                }
            },
            _ => { });

        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(category);

        Assert.Equal(expected, log.IsEnabled(level));
    }

    [Fact]
    public async Task The_console_writes_one_line_with_a_date_for_each_message()
    {
        await using var app = await StartAsync(_ => { }, _ => { });

        var options = app.Services.GetRequiredService<IOptionsMonitor<SimpleConsoleFormatterOptions>>().CurrentValue;

        Assert.True(options.SingleLine);
        Assert.True(options.UseUtcTimestamp);
        Assert.Equal("yyyy-MM-ddTHH:mm:ss.fffZ ", options.TimestampFormat);
    }

    [Fact]
    public async Task Every_client_uses_service_discovery_and_retries()
    {
        var attempts = 0;
        await using var server = await LoopbackServer.StartAsync(context =>
        {
            context.Response.StatusCode = ++attempts == 1 ? 503 : 204;
            context.Response.Headers.RetryAfter = "0";
            return Task.CompletedTask;
        });
        await using var app = await StartAsync(
            builder => builder.Configuration["services:dependency:http:0"] = server.Address.ToString(), _ => { });
        using var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

        using var response = await client.GetAsync("https+http://dependency/");

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(2, attempts);
    }

    private static async Task<WebApplication> StartAsync(
        Action<WebApplicationBuilder> configure, Action<WebApplicationBuilder> addClients)
    {
        var builder = WebApplication.CreateBuilder();
        configure(builder);
        builder.AddServiceDefaults();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        addClients(builder);
        var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync();
        return app;
    }

    private sealed class FailingWorker(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
            await started.Task;
            throw new InvalidOperationException("It has a bug.");
        }
    }
}
