using System.Diagnostics;
using System.Diagnostics.Metrics;
using Inventory.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Inventory.ServiceDefaults.Tests;

/// <summary>The telemetry of a gateway and of an API on Redis and PostgreSQL, as a collector receives it.</summary>
[Collection(nameof(Servers))]
public sealed class TraceTests(Servers servers)
{
    [Theory]
    [InlineData("parentbased_always_on")]
    // The sampler of local runs, which also records children of unrecorded spans.
    [InlineData("always_on")]
    public async Task A_proxied_request_makes_one_trace_and_a_probe_makes_none(string sampler)
    {
        await using var collector = await Collector.StartAsync();
        await using var api = await StartAsync("api", sampler, collector, AddApi, MapApi);
        await using var gateway = await StartAsync(
            "gateway", sampler, collector, builder => AddGateway(builder, api.Urls.Single()),
            app => app.MapReverseProxy());

        var probes = new List<string>();
        foreach (var app in new[] { gateway, api })
        {
            foreach (var path in new[] { "/health", "/alive" })
            {
                probes.Add(await GetAsync(app.Urls.Single() + path, "Healthy"));
            }
        }

        var shopper = await GetAsync(gateway.Urls.Single() + "/stock/shoe?token=secret", "7");
        var trace = await collector.TraceAsync(
            shopper, spans => spans.Count(IsRedis) == 2 && spans.Count(IsServer) == 2 && spans.Any(IsPostgres));

        var apiSpan = Assert.Single(trace, span => IsServer(span) && Ancestors(trace, span).Any(IsServer));
        var way = Ancestors(trace, apiSpan).ToList();
        Assert.Equal(["System.Net.Http", "Yarp.ReverseProxy", "Microsoft.AspNetCore"], way.Select(span => span.Source));
        Assert.All(trace.Where(IsServer), span => Assert.Equal("GET /stock/{sku}", span.Name));
        Assert.Equal(["GET", "INCR"], trace.Where(IsRedis).Select(span => span.Name).Order());
        Assert.All(trace.Where(IsRedis), span => Assert.Equal(
            (apiSpan.Id, "redis", "127.0.0.1"), (span.ParentId, span.Tags["db.system"], span.Tags["server.address"])));
        Assert.All(trace.Where(IsPostgres), span => Assert.Equal(apiSpan.Id, span.ParentId));
        Assert.DoesNotContain(trace.Where(IsServer).SelectMany(span => span.Tags.Values),
            value => value.Contains("secret", StringComparison.Ordinal));

        // The probes came first, so their spans would have arrived before.
        Assert.DoesNotContain(collector.Spans, span => probes.Contains(span.TraceId));
    }

    [Fact]
    public async Task Background_work_makes_no_trace_and_a_request_makes_one()
    {
        await using var collector = await Collector.StartAsync();
        await using var api = await StartAsync("api", "always_on", collector, AddApi, MapApi);
        var redis = api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();

        // Calls without a request, as in a worker's loop.
        await redis.StringGetAsync("background");
        await using (var scope = api.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<LedgerContext>().Database.ExecuteSqlAsync($"SELECT 1");
        }

        var shopper = await GetAsync(api.Urls.Single() + "/stock/shoe", "7");
        await collector.TraceAsync(shopper, spans => spans.Count(IsRedis) == 2 && spans.Any(IsPostgres));

        // The request came last, so spans of the background calls would have arrived before.
        Assert.All(Outgoing(collector), span => Assert.Equal(shopper, span.TraceId));
    }

    [Fact]
    public async Task A_proxy_that_probes_its_destinations_makes_no_traces()
    {
        await using var collector = await Collector.StartAsync();
        var probes = 0;
        await using var replica = await LoopbackServer.StartAsync(context =>
        {
            if (context.Request.Path == "/ready") Interlocked.Increment(ref probes);
            return Task.CompletedTask;
        });
        await using var gateway = await StartAsync("gateway", "always_on", collector, builder =>
        {
            AddGateway(builder, replica.Address.ToString());
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["ReverseProxy:Clusters:stock:HealthCheck:Active:Enabled"] = "true",
                ["ReverseProxy:Clusters:stock:HealthCheck:Active:Interval"] = "00:00:00.05",
                ["ReverseProxy:Clusters:stock:HealthCheck:Active:Path"] = "/ready",
            });
        }, app => app.MapReverseProxy());

        await Eventually.TrueAsync(() => Volatile.Read(ref probes) >= 3);
        var shopper = await GetAsync(gateway.Urls.Single() + "/stock/shoe", "");
        await collector.TraceAsync(shopper, spans => spans.Count(span => !IsServer(span)) == 2);

        Assert.All(Outgoing(collector), span => Assert.Equal(shopper, span.TraceId));
    }

    [Fact]
    public async Task A_stopping_host_exports_its_last_spans()
    {
        await using var collector = await Collector.StartAsync();
        string shopper;
        await using (var api = await StartAsync("api", "always_on", collector, AddApi, MapApi))
        {
            shopper = await GetAsync(api.Urls.Single() + "/stock/shoe", "7");
        }

        Assert.Equal(2, collector.Spans.Count(span => span.TraceId == shopper && IsRedis(span)));
    }

    [Fact]
    public async Task Frameworks_clients_and_the_product_are_measured()
    {
        await using var collector = await Collector.StartAsync();
        await using var api = await StartAsync("api", "always_on", collector, AddApi, MapApi);
        using var meter = new Meter("Inventory.Test");

        meter.CreateCounter<int>("inventory.test").Add(1);
        await GetAsync(api.Urls.Single() + "/stock/shoe", "7");

        string[] expected =
        [
            "inventory.test", "http.server.request.duration", "kestrel.active_connections",
            "http.client.request.duration", "dotnet.gc.collections", "db.client.operation.duration",
        ];
        await collector.MetricsAsync(names => expected.All(names.Contains));
    }

    private void AddApi(WebApplicationBuilder builder)
    {
        builder.Configuration["ConnectionStrings:redis"] = servers.Redis.ConnectionString;
        builder.Configuration["ConnectionStrings:ledger"] = servers.Postgres.ConnectionString;
        builder.AddRedisClient("redis");
        builder.AddNpgsqlDbContext<LedgerContext>("ledger");
    }

    private static void MapApi(WebApplication app) =>
        app.MapGet("/stock/{sku}", async (string sku, IConnectionMultiplexer redis, LedgerContext ledger) =>
        {
            await redis.GetDatabase().StringIncrementAsync("calls");
            await redis.GetDatabase().StringGetAsync(sku);
            await ledger.Database.ExecuteSqlAsync($"SELECT 1");
            return "7";
        });

    private static void AddGateway(WebApplicationBuilder builder, string api)
    {
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["services:stock-api:http:0"] = api,
            ["ReverseProxy:Routes:stock:ClusterId"] = "stock",
            ["ReverseProxy:Routes:stock:Match:Path"] = "/stock/{sku}",
            ["ReverseProxy:Clusters:stock:Destinations:api:Address"] = "http://stock-api",
        });
        builder.Services.AddReverseProxy()
            .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
            .AddServiceDiscoveryDestinationResolver();
    }

    private static async Task<WebApplication> StartAsync(
        string name,
        string sampler,
        Collector collector,
        Action<WebApplicationBuilder> add,
        Action<WebApplication> map)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = name });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_SERVICE_NAME"] = name,
            ["OTEL_TRACES_SAMPLER"] = sampler,
            ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
        });
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        add(builder);
        var app = builder.Build();
        app.MapDefaultEndpoints();
        map(app);
        await app.StartAsync();
        return app;
    }

    /// <summary>Sends a request as a caller with its own trace would, and returns the trace's id.</summary>
    private static async Task<string> GetAsync(string uri, string expected)
    {
        // Without a propagator this client makes no span, which the hosts in this process would export.
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        client.DefaultRequestHeaders.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom().ToHexString()}-01");
        Assert.Equal(expected, await client.GetStringAsync(uri));
        return trace;
    }

    /// <summary>
    /// Spans of outgoing calls. Server spans are left out: the collector is a server of this process too, and each
    /// export is a request.
    /// </summary>
    private static IEnumerable<Span> Outgoing(Collector collector) => collector.Spans.Where(span => !IsServer(span));

    private static bool IsServer(Span span) => span.Source == "Microsoft.AspNetCore";

    private static bool IsPostgres(Span span) => span.Source == "Npgsql";

    private static bool IsRedis(Span span) => span.Source == "OpenTelemetry.Instrumentation.StackExchangeRedis";

    private static IEnumerable<Span> Ancestors(IReadOnlyList<Span> trace, Span span)
    {
        for (var parent = Parent(span); parent is not null; parent = Parent(parent))
        {
            yield return parent;
        }

        Span? Parent(Span child) => trace.SingleOrDefault(candidate => candidate.Id == child.ParentId);
    }
}
