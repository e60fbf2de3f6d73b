using System.Diagnostics;
using Inventory.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Standins.Clients.Tests;

/// <summary>A Redis and a PostgreSQL for the whole run. A test that freezes or stops one starts its own.</summary>
public sealed class Servers : IAsyncLifetime
{
    public RedisServer Redis { get; private set; } = null!;

    public PostgresServer Postgres { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var redis = RedisServer.StartAsync();
        var postgres = PostgresServer.StartAsync();
        Redis = await redis;
        Postgres = await postgres;
    }

    public async Task DisposeAsync()
    {
        await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
    }

    /// <summary>One report of all health checks, and how long it took.</summary>
    public static async Task<(HealthReport Report, TimeSpan Taken)> CheckAsync(IServiceProvider services)
    {
        var started = Stopwatch.GetTimestamp();
        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        return (report, Stopwatch.GetElapsedTime(started));
    }
}

[CollectionDefinition(nameof(Servers))]
public sealed class ServersCollection : ICollectionFixture<Servers>;
