using System.Globalization;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.Materializer.Tests;

/// <summary>A Redis and a migrated PostgreSQL database for one test, and the instances that it starts.</summary>
public sealed class World : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> owned = [];

    public required RedisServer RedisServer { get; init; }

    public required PostgresServer PostgresServer { get; init; }

    public required string LedgerConnection { get; init; }

    public required NpgsqlDataSource Ledger { get; init; }

    public required IConnectionMultiplexer Redis { get; init; }

    public required StockStores Engine { get; init; }

    public required int Partitions { get; init; }

    public IDatabase Database => Redis.GetDatabase();

    public static async Task<World> StartAsync(
        PostgresServer postgres, int partitions = 1, RedisPersistence persistence = RedisPersistence.None)
    {
        var redisServer = await RedisServer.StartAsync(persistence);
        var redis = await ConnectionMultiplexer.ConnectAsync(redisServer.AdminConnectionString);
        var connection = await postgres.CreateDatabaseAsync();
        var ledger = NpgsqlDataSource.Create(connection);
        await using (var context = new LedgerContext(
            new DbContextOptionsBuilder<LedgerContext>().UseNpgsql(ledger).Options))
        {
            var migration = new LedgerMigration(
                context, TimeProvider.System, NullLogger<LedgerMigration>.Instance);
            await migration.ApplyAsync(TimeSpan.Zero, CancellationToken.None);
        }

        var world = new World
        {
            RedisServer = redisServer,
            PostgresServer = postgres,
            LedgerConnection = connection,
            Ledger = ledger,
            Redis = redis,
            Partitions = partitions,
            Engine = new(redis, Options.Create(new StockOptions { Partitions = partitions })),
        };
        await world.Engine.Maintenance.LiftFenceAsync();
        return world;
    }

    /// <summary>An instance within this process.</summary>
    /// <param name="options">Its settings; null: the defaults.</param>
    /// <param name="ledgerConnection">Its connection string of PostgreSQL; null: a direct connection.</param>
    public async Task<Instance> StartInstanceAsync(MaterializerOptions? options = null, string? ledgerConnection = null)
    {
        var instance = await Instance.StartAsync(
            RedisServer.ConnectionString, ledgerConnection ?? LedgerConnection, Partitions, options ?? new());
        owned.Add(instance);
        return instance;
    }

    /// <summary>The materializer as it is shipped, in a process that a test may kill.</summary>
    public async Task<ServiceProcess> StartProcessAsync(params (string Name, string Value)[] settings)
    {
        var process = await ServiceProcess.StartAsync(
            "Inventory.Materializer",
            [
                ("ConnectionStrings:redis", RedisServer.ConnectionString),
                ("ConnectionStrings:ledger", LedgerConnection),
                ("Inventory:Partitions", Partitions.ToString(CultureInfo.InvariantCulture)),
                .. settings,
            ]);
        owned.Add(process);
        return process;
    }

    /// <summary>All events of a partition's stream, readable or not.</summary>
    public async Task<IReadOnlyList<StreamRecord>> StreamAsync(int partition = 0) =>
        (await Engine.Events.ReadStreamAsync(new(partition), null, 1_000_000)).Records;

    /// <summary>Waits until every partition's position is the last event of its stream.</summary>
    /// <param name="who">An object to add, as text, to the message of a failure.</param>
    public Task UntilStoredAsync(object? who = null) => Eventually.TrueAsync(
        async () =>
        {
            for (var partition = 0; partition < Partitions; partition++)
            {
                if (await LastEventAsync(partition) is { } last && await PositionAsync(partition) != last) return false;
            }

            return true;
        },
        who);

    /// <summary>The id of the latest event of a partition's stream; null when there is none.</summary>
    public async Task<string?> LastEventAsync(int partition = 0)
    {
        var last = await Database.StreamRangeAsync(
            new Partition(partition).Events, count: 1, messageOrder: StackExchange.Redis.Order.Descending);
        return last is [var entry] ? (string?)entry.Id : null;
    }

    public Task<string?> PositionAsync(int partition = 0) =>
        ReadAsync<string?>($"SELECT stream_id FROM stream_positions WHERE partition = {partition}");

    public Task<T> ReadAsync<T>(string sql) => Ledger.ReadAsync<T>(sql);

    public Task ExecuteAsync(string sql) => Ledger.ExecuteAsync(sql);

    /// <summary>Rows of a query, each as text with bars between the columns.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = Ledger.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await row.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, row.FieldCount).Select(row.GetValue)));
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in owned) await instance.DisposeAsync();
        await Redis.DisposeAsync();
        await Ledger.DisposeAsync();
        await RedisServer.DisposeAsync();
    }
}

/// <summary>One PostgreSQL server for the test run; each test has its own database.</summary>
public sealed class Postgres : IAsyncLifetime
{
    public PostgresServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await PostgresServer.StartAsync("max_connections=200");

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class OneServer : ICollectionFixture<Postgres>
{
    public const string Name = "PostgreSQL";
}
