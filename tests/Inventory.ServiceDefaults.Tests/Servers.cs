using Inventory.Testing;

namespace Inventory.ServiceDefaults.Tests;

/// <summary>One Redis and one PostgreSQL for the whole run. A test that freezes or stops one starts its own.</summary>
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
}

[CollectionDefinition(nameof(Servers))]
public sealed class ServersCollection : ICollectionFixture<Servers>;
