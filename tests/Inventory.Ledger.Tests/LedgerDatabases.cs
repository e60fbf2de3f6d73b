using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>One PostgreSQL server for the test run. Each test uses its own database or its own SKUs.</summary>
public sealed class LedgerDatabases : IAsyncLifetime
{
    private readonly List<NpgsqlDataSource> sources = [];
    private PostgresServer? server;

    public PostgresServer Server => server ?? throw new InvalidOperationException("The server hasn't been started.");

    /// <summary>A migrated database that tests share: each uses fresh SKUs.</summary>
    public NpgsqlDataSource Shared { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        server = await PostgresServer.StartAsync("max_connections=200");
        Shared = await CreateMigratedAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var source in sources)
        {
            await source.DisposeAsync();
        }

        await Server.DisposeAsync();
    }

    public static LedgerContext Open(NpgsqlDataSource source) =>
        new(new DbContextOptionsBuilder<LedgerContext>().UseNpgsql(source).Options);

    public static LedgerMigration Migration(LedgerContext context) =>
        new(context, TimeProvider.System, NullLogger<LedgerMigration>.Instance);

    public NpgsqlDataSource Connect(string connectionString)
    {
        var source = NpgsqlDataSource.Create(connectionString);
        sources.Add(source);
        return source;
    }

    public async Task<NpgsqlDataSource> CreateMigratedAsync()
    {
        var source = Connect(await Server.CreateDatabaseAsync());
        await using var context = Open(source);
        await Migration(context).ApplyAsync(TimeSpan.Zero, CancellationToken.None);
        return source;
    }

    /// <summary>Inserts a product and its units into the shared database, and returns its SKU.</summary>
    public async Task<string> StockAsync(int total)
    {
        var sku = $"sku-{Guid.NewGuid():N}";
        await Shared.ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Something')");
        await Shared.ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{sku}', {total})");
        return sku;
    }
}

[CollectionDefinition(Name)]
public sealed class OneServer : ICollectionFixture<LedgerDatabases>
{
    public const string Name = "PostgreSQL";
}

/// <summary>Reads totals without EF Core.</summary>
internal static class StockRow
{
    /// <summary>The total and version of a SKU.</summary>
    public static async Task<(int Total, long Version)> LevelAsync(this NpgsqlDataSource source, string sku)
    {
        await using var command = source.CreateCommand($"SELECT total, version FROM inventory WHERE sku_id = '{sku}'");
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        return (reader.GetInt32(0), reader.GetInt64(1));
    }
}
