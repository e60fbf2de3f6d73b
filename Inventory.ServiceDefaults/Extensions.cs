using System.Net.Mime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpLogging;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// What every service has in common: telemetry, health, a clock, service discovery and HTTP resilience.
/// <see cref="AddServiceDefaults"/> comes before the clients of Redis and PostgreSQL are added, because it decides
/// whether they trace.
/// </summary>
public static class Extensions
{
    private const string HealthPath = "/health";
    private const string ReadyPath = "/ready";
    private const string AlivePath = "/alive";
    private static readonly string[] Probing = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Adds everything in this class that a builder can take.</summary>
    /// <returns>The same builder.</returns>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddConfigurationDefaults();
        builder.ConfigureOpenTelemetry();
        builder.AddDefaultHealthChecks();

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler();
            http.AddServiceDiscovery();
        });

        builder.Logging.AddSampler<MalformedTrailers>();
        builder.Services.AddHostedService<FailedWorkers>();

        // Don't disclose the server software.
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.AddServerHeader = false);
        return builder;
    }

    /// <summary>
    /// Exports traces, metrics and logs, if there is a collector. Without <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> no
    /// provider exists, so that nothing is recorded only to be dropped.
    /// </summary>
    /// <returns>The same builder.</returns>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        if (!builder.HasCollector())
        {
            return builder;
        }

        // The host decides which trace a request continues; its headers must not be read a second time.
        Sdk.SetDefaultTextMapPropagator(new TraceContextPropagator());

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter("Inventory.*", "Npgsql"))
            .WithTracing(tracing => tracing
                .AddSource(builder.Environment.ApplicationName, "Inventory.*")
                .AddSource("OpenTelemetry.Instrumentation.StackExchangeRedis", "Npgsql", "Yarp.ReverseProxy")
                .AddAspNetCoreInstrumentation(options => options.Filter = context => !IsProbe(context.Request.Path))
                .AddHttpClientInstrumentation()
                .AddProcessor(new UnrecordedSpans())
                .AddProcessor(new StatementNames()))
            .UseOtlpExporter();
        return builder;
    }

    /// <summary>Adds the check <c>self</c>, tagged <c>live</c>: a process that can answer is alive.</summary>
    /// <returns>The same builder.</returns>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddSingleton<SharedHealth>();
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        return builder;
    }

    /// <summary>
    /// Maps <c>/health</c> (all checks), <c>/ready</c> (checks tagged <c>ready</c>: may this instance get requests?
    /// Stores that all instances share are left out) and <c>/alive</c> (checks tagged <c>live</c>: must this process be
    /// restarted?). Every environment has them, because container platforms probe them; of the services only the
    /// gateway can be reached from outside. The answer is the status as plain text.
    /// </summary>
    /// <returns>The same application.</returns>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        var health = app.Services.GetRequiredService<SharedHealth>();
        app.MapProbe(HealthPath, health.CheckAllAsync);
        app.MapProbe(ReadyPath, () => health.CheckAsync("ready"));
        app.MapProbe(AlivePath, () => health.CheckAsync("live"));
        return app;
    }

    // Probes are neither refused nor counted: they come every few seconds, and say nothing about shoppers.
    private static void MapProbe(this WebApplication app, string path, Func<Task<HealthStatus>> check) =>
        app.MapMethods(path, Probing, (HttpContext http) => AnswerAsync(http, check()))
            .ExcludeFromDescription()
            .AllowAnonymous()
            .DisableRateLimiting()
            .DisableHttpMetrics()
            .WithHttpLogging(HttpLoggingFields.None);

    private static async Task AnswerAsync(HttpContext http, Task<HealthStatus> check)
    {
        var status = await check;
        http.Response.StatusCode = status == HealthStatus.Unhealthy
            ? StatusCodes.Status503ServiceUnavailable
            : StatusCodes.Status200OK;
        http.Response.ContentType = MediaTypeNames.Text.Plain;
        http.Response.Headers.CacheControl = "no-store, no-cache";
        await http.Response.WriteAsync(status.ToString());
    }

    private static bool IsProbe(PathString path) =>
        path.StartsWithSegments(HealthPath) || path.StartsWithSegments(ReadyPath) || path.StartsWithSegments(AlivePath);

    private static bool HasCollector(this IHostApplicationBuilder builder) =>
        !string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);

    /// <summary>
    /// Settings below all others, so that any file, variable or argument overrides them: one line per log message, with
    /// a timestamp, and only warnings and errors from frameworks.
    /// </summary>
    private static void AddConfigurationDefaults(this IHostApplicationBuilder builder)
    {
        var defaults = new Dictionary<string, string?>
        {
            ["Logging:Console:FormatterName"] = "simple",
            ["Logging:Console:FormatterOptions:SingleLine"] = "true",
            ["Logging:Console:FormatterOptions:TimestampFormat"] = "yyyy-MM-ddTHH:mm:ss.fffZ ",
            ["Logging:Console:FormatterOptions:UseUtcTimestamp"] = "true",
            ["Logging:LogLevel:Default"] = "Information",
            ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
            ["Logging:LogLevel:Microsoft.EntityFrameworkCore.Database.Command"] = "Warning",
            // The caller of a probe gets the result; polling while a service starts would fill the log with errors.
            ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
            // An operator who starts a service knows its address and environment, and that it started.
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Warning",
            // Npgsql logs every command at Information, and so does Entity Framework.
            ["Logging:LogLevel:Npgsql"] = "Warning",
            ["Logging:LogLevel:Polly"] = "Warning",
            ["Logging:LogLevel:StackExchange.Redis"] = "Warning",
            ["Logging:LogLevel:System.Net.Http"] = "Warning",
            ["Logging:LogLevel:Yarp"] = "Warning",
        };
        if (builder.Environment.IsDevelopment())
        {
            // A local run that ends has no other instance to take its requests.
            defaults["Shutdown:Delay"] = "00:00:00";
        }

        if (!builder.HasCollector())
        {
            // The clients' own packages would create providers that export to nowhere.
            defaults["Aspire:Npgsql:DisableMetrics"] = "true";
            defaults["Aspire:Npgsql:DisableTracing"] = "true";
            defaults["Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:DisableMetrics"] = "true";
            defaults["Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:DisableTracing"] = "true";
            defaults["Aspire:StackExchange:Redis:DisableTracing"] = "true";
        }

        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = defaults });
    }
}
