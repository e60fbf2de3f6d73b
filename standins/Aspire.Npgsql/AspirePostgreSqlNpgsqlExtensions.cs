using Aspire.Npgsql;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers PostgreSQL data sources.</summary>
public static class AspirePostgreSqlNpgsqlExtensions
{
    private const string Section = "Aspire:Npgsql";

    /// <summary>
    /// Registers a singleton <see cref="NpgsqlDataSource"/> with its health check <c>PostgreSql</c>, and Npgsql's own
    /// spans and figures.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="connectionName">The name of the connection string.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <param name="configureDataSourceBuilder">Has the last word on the data source.</param>
    public static void AddNpgsqlDataSource(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<NpgsqlSettings>? configureSettings = null,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null) =>
        builder.Add(connectionName, serviceKey: null, configureSettings, configureDataSourceBuilder);

    /// <summary>
    /// Registers a data source under a key, which is the name of its connection string as well. Its health check is
    /// <c>PostgreSql_{name}</c>.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="name">The key and the name of the connection string.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <param name="configureDataSourceBuilder">Has the last word on the data source.</param>
    public static void AddKeyedNpgsqlDataSource(
        this IHostApplicationBuilder builder,
        string name,
        Action<NpgsqlSettings>? configureSettings = null,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null) =>
        builder.Add(name, serviceKey: name, configureSettings, configureDataSourceBuilder);

    private static void Add(
        this IHostApplicationBuilder builder,
        string name,
        string? serviceKey,
        Action<NpgsqlSettings>? configureSettings,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var section = builder.Configuration.GetSection(Section);
        var settings = new NpgsqlSettings();
        section.Bind(settings);
        section.GetSection(name).Bind(settings);
        settings.ConnectionString = builder.Configuration.GetConnectionString(name) ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);

        if (serviceKey is null)
        {
            builder.Services.AddSingleton(services => Create(services, name, settings, configureDataSourceBuilder));
        }
        else
        {
            builder.Services.AddKeyedSingleton(
                serviceKey, (services, _) => Create(services, name, settings, configureDataSourceBuilder));
        }

        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                serviceKey is null ? "PostgreSql" : $"PostgreSql_{name}",
                services => new DataSourceHealthCheck(serviceKey is null
                    ? services.GetRequiredService<NpgsqlDataSource>()
                    : services.GetRequiredKeyedService<NpgsqlDataSource>(serviceKey)),
                failureStatus: null,
                tags: null));
        }

        if (!settings.DisableTracing)
        {
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource("Npgsql"));
        }

        if (!settings.DisableMetrics)
        {
            builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Npgsql"));
        }
    }

    private static NpgsqlDataSource Create(
        IServiceProvider services,
        string name,
        NpgsqlSettings settings,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder)
    {
        if (string.IsNullOrEmpty(settings.ConnectionString))
        {
            throw new InvalidOperationException(
                $"No PostgreSQL to connect to: set 'ConnectionStrings:{name}' or '{Section}:ConnectionString'.");
        }

        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        builder.UseLoggerFactory(services.GetService<ILoggerFactory>());
        configureDataSourceBuilder?.Invoke(builder);
        return builder.Build();
    }
}
