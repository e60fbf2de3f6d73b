using Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers DbContexts on PostgreSQL.</summary>
public static class AspireEFPostgreSqlExtensions
{
    private const string Section = "Aspire:Npgsql:EntityFrameworkCore:PostgreSQL";

    /// <summary>
    /// Registers a pooled context that retries transient failures, with a health check named after the context, and
    /// Npgsql's own spans and figures.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="connectionName">The name of the connection string.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <param name="configureDbContextOptions">Adds to the context's options.</param>
    /// <exception cref="InvalidOperationException">The context is registered already.</exception>
    public static void AddNpgsqlDbContext<TContext>(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<NpgsqlEntityFrameworkCorePostgreSQLSettings>? configureSettings = null,
        Action<DbContextOptionsBuilder>? configureDbContextOptions = null)
        where TContext : DbContext
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        if (IsRegistered<TContext>(builder.Services))
        {
            throw new InvalidOperationException(
                $"{typeof(TContext).Name} is registered already; {nameof(EnrichNpgsqlDbContext)} adds to it.");
        }

        var settings = Settings<TContext>(builder.Configuration, connectionName, configureSettings);
        builder.Services.AddDbContextPool<TContext>(options =>
        {
            // Here and not above: a host that only generates documents or migrations needs no database.
            if (string.IsNullOrEmpty(settings.ConnectionString))
            {
                throw new InvalidOperationException("No PostgreSQL to connect to: set "
                    + $"'ConnectionStrings:{connectionName}' or '{Section}:ConnectionString'.");
            }

            options.UseNpgsql(settings.ConnectionString, npgsql => Apply(settings, npgsql));
            configureDbContextOptions?.Invoke(options);
        });
        Watch<TContext>(builder, settings);
    }

    /// <summary>Gives a context that is registered already the retries, health check, spans and figures.</summary>
    /// <param name="builder">The host.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <exception cref="InvalidOperationException">The context isn't registered.</exception>
    public static void EnrichNpgsqlDbContext<TContext>(
        this IHostApplicationBuilder builder,
        Action<NpgsqlEntityFrameworkCorePostgreSQLSettings>? configureSettings = null)
        where TContext : DbContext
    {
        if (!IsRegistered<TContext>(builder.Services))
        {
            throw new InvalidOperationException(
                $"{typeof(TContext).Name} isn't registered; {nameof(AddNpgsqlDbContext)} does that as well.");
        }

        var settings = Settings<TContext>(builder.Configuration, connectionName: null, configureSettings);
        builder.Services.ConfigureDbContext<TContext>(options => options.UseNpgsql(npgsql => Apply(settings, npgsql)));
        Watch<TContext>(builder, settings);
    }

    private static bool IsRegistered<TContext>(IServiceCollection services) =>
        services.Any(service => service.ServiceType == typeof(TContext));

    private static NpgsqlEntityFrameworkCorePostgreSQLSettings Settings<TContext>(
        IConfiguration configuration,
        string? connectionName,
        Action<NpgsqlEntityFrameworkCorePostgreSQLSettings>? configureSettings)
    {
        var section = configuration.GetSection(Section);
        var settings = new NpgsqlEntityFrameworkCorePostgreSQLSettings();
        section.Bind(settings);
        section.GetSection(typeof(TContext).Name).Bind(settings);
        if (connectionName is not null)
        {
            settings.ConnectionString = configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        }

        configureSettings?.Invoke(settings);
        return settings;
    }

    private static void Apply(
        NpgsqlEntityFrameworkCorePostgreSQLSettings settings, NpgsqlDbContextOptionsBuilder npgsql)
    {
        if (!settings.DisableRetry)
        {
            npgsql.EnableRetryOnFailure();
        }

        if (settings.CommandTimeout is { } seconds)
        {
            npgsql.CommandTimeout(seconds);
        }
    }

    private static void Watch<TContext>(
        IHostApplicationBuilder builder, NpgsqlEntityFrameworkCorePostgreSQLSettings settings)
        where TContext : DbContext
    {
        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                typeof(TContext).Name,
                services => new DbContextHealthCheck<TContext>(services.GetRequiredService<IServiceScopeFactory>()),
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
}
