using Aspire.StackExchange.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers Redis clients.</summary>
public static class AspireRedisExtensions
{
    private const string Section = "Aspire:StackExchange:Redis";

    /// <summary>
    /// Registers a singleton <see cref="IConnectionMultiplexer"/>, connected when it is first asked for, with its
    /// health check <c>StackExchange.Redis</c> and a span per command.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="connectionName">The name of the connection string.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <param name="configureOptions">Has the last word on the client's options.</param>
    public static void AddRedisClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null) =>
        builder.Add(connectionName, serviceKey: null, configureSettings, configureOptions);

    /// <summary>
    /// Registers a client under a key, which is the name of its connection string as well. Its health check is
    /// <c>StackExchange.Redis_{name}</c>.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="name">The key and the name of the connection string.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <param name="configureOptions">Has the last word on the client's options.</param>
    public static void AddKeyedRedisClient(
        this IHostApplicationBuilder builder,
        string name,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null) =>
        builder.Add(name, serviceKey: name, configureSettings, configureOptions);

    private static void Add(
        this IHostApplicationBuilder builder,
        string name,
        string? serviceKey,
        Action<StackExchangeRedisSettings>? configureSettings,
        Action<ConfigurationOptions>? configureOptions)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var section = builder.Configuration.GetSection(Section);
        var settings = new StackExchangeRedisSettings();
        section.Bind(settings);
        section.GetSection(name).Bind(settings);
        settings.ConnectionString = builder.Configuration.GetConnectionString(name) ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);

        if (serviceKey is null)
        {
            builder.Services.AddSingleton<IConnectionMultiplexer>(
                services => Connect(services, name, settings, configureOptions));
        }
        else
        {
            builder.Services.AddKeyedSingleton<IConnectionMultiplexer>(
                serviceKey, (services, _) => Connect(services, name, settings, configureOptions));
        }

        if (!settings.DisableTracing)
        {
            builder.Services.TryAddSingleton<CommandSpans>();
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing
                .AddSource(CommandSpans.SourceName)
                .AddInstrumentation(services => services.GetRequiredService<CommandSpans>()));
        }

        if (!settings.DisableHealthChecks)
        {
            // No tags: a service without Redis isn't ready, and restarting it wouldn't help.
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                serviceKey is null ? "StackExchange.Redis" : $"StackExchange.Redis_{name}",
                services => new RedisHealthCheck(() => serviceKey is null
                    ? services.GetRequiredService<IConnectionMultiplexer>()
                    : services.GetRequiredKeyedService<IConnectionMultiplexer>(serviceKey)),
                failureStatus: null,
                tags: null));
        }
    }

    private static ConnectionMultiplexer Connect(
        IServiceProvider services,
        string name,
        StackExchangeRedisSettings settings,
        Action<ConfigurationOptions>? configureOptions)
    {
        var options = string.IsNullOrWhiteSpace(settings.ConnectionString)
            ? new ConfigurationOptions()
            : ConfigurationOptions.Parse(settings.ConnectionString);
        if (settings.ConnectionString?.Contains("abortConnect", StringComparison.OrdinalIgnoreCase) != true)
        {
            // A service that starts before Redis does waits for it, and says so in its health check.
            options.AbortOnConnectFail = false;
        }

        var section = services.GetRequiredService<IConfiguration>().GetSection(Section);
        section.GetSection("ConfigurationOptions").Bind(options);
        section.GetSection(name).GetSection("ConfigurationOptions").Bind(options);
        options.LoggerFactory ??= services.GetService<ILoggerFactory>();
        configureOptions?.Invoke(options);
        if (options.EndPoints.Count == 0)
        {
            throw new InvalidOperationException(
                $"No Redis to connect to: set 'ConnectionStrings:{name}' or '{Section}:ConfigurationOptions'.");
        }

        var connection = ConnectionMultiplexer.Connect(options);
        // Hosted services ask for Redis while the host makes them, before it starts telemetry: without a listener by
        // then no command would ever be noted.
        services.GetService<TracerProvider>();
        services.GetService<CommandSpans>()?.Watch(connection, settings);
        return connection;
    }
}
