using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Inventory.Ledger.Tests;

[Collection(OneServer.Name)]
public sealed class LedgerMigrationTests(LedgerDatabases databases)
{
    [Fact]
    public async Task The_migrations_lead_to_the_model_of_this_build()
    {
        await using var context = LedgerDatabases.Open(databases.Shared);

        Assert.False(context.Database.HasPendingModelChanges());
        Assert.Empty(await context.Database.GetPendingMigrationsAsync());
    }

    [Fact]
    public async Task An_empty_database_gets_tables_checks_and_triggers()
    {
        var source = await databases.CreateMigratedAsync();

        Assert.Equal(
            ["inventory.sku_id text NO", "inventory.total integer NO", "inventory.version bigint NO",
             "products.created_at timestamp with time zone NO", "products.max_per_customer integer YES",
             "products.name text NO", "products.paused boolean NO", "products.sku_id text NO",
             "products.updated_at timestamp with time zone NO"],
            await source.ReadAsync<string[]>(
                """
                SELECT array_agg(format('%s.%s %s %s', table_name, column_name, data_type, is_nullable)
                                 ORDER BY table_name::text COLLATE "C", column_name::text COLLATE "C")
                FROM information_schema.columns WHERE table_name IN ('products', 'inventory')
                """));
        Assert.Equal(
            ["ck_inventory_total", "ck_products_max_per_customer", "ck_products_name", "ck_products_sku_id",
             "fk_inventory_products_sku_id", "pk_inventory", "pk_products"],
            await source.ReadAsync<string[]>(
                """
                SELECT array_agg(conname::text ORDER BY conname::text COLLATE "C") FROM pg_constraint
                WHERE conrelid IN ('products'::regclass, 'inventory'::regclass)
                """));
        Assert.Equal(
            ["inventory.inventory_changed", "inventory.inventory_never_removed",
             "products.products_changed", "products.products_touched"],
            await source.ReadAsync<string[]>(
                """
                SELECT array_agg(format('%s.%s', tgrelid::regclass, tgname) ORDER BY tgname::text COLLATE "C")
                FROM pg_trigger WHERE NOT tgisinternal
                """));
    }

    [Fact]
    public async Task The_migration_history_keeps_the_columns_of_EF_Core()
    {
        Assert.Equal(
            ["MigrationId", "ProductVersion"],
            await databases.Shared.ReadAsync<string[]>(
                """
                SELECT array_agg(column_name::text ORDER BY ordinal_position)
                FROM information_schema.columns WHERE table_name = '__EFMigrationsHistory'
                """));
    }

    [Fact]
    public async Task A_migrated_database_can_be_reverted_and_migrated_again()
    {
        var source = await databases.CreateMigratedAsync();
        await using var context = LedgerDatabases.Open(source);

        await context.Database.MigrateAsync("0");
        var left = await source.ReadAsync<long>(
            """
            SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
                 + (SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> '__EFMigrationsHistory')
            """);
        await LedgerDatabases.Migration(context).ApplyAsync(TimeSpan.Zero, CancellationToken.None);

        Assert.Equal(0, left);
        Assert.Empty(await context.Database.GetPendingMigrationsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Several_instances_that_start_at_once_migrate_once(bool databaseExists)
    {
        var name = $"race_{Guid.NewGuid():N}";
        var source = databases.Connect(databaseExists
            ? await databases.Server.CreateDatabaseAsync()
            : databases.Server.ConnectionStringFor(name));

        await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            await using var context = LedgerDatabases.Open(source);
            await LedgerDatabases.Migration(context)
                .ApplyAsync(LedgerMigration.StartupPatience, CancellationToken.None);
        }));

        await using var after = LedgerDatabases.Open(source);
        Assert.Empty(await after.Database.GetPendingMigrationsAsync());
        Assert.Equal(
            after.Database.GetMigrations().Count(),
            await source.ReadAsync<long>("""SELECT count(*) FROM "__EFMigrationsHistory" """));
    }

    [Fact]
    public async Task A_migration_waits_for_a_server_that_is_still_starting()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var source = NpgsqlDataSource.Create(await server.CreateDatabaseAsync());
        await server.KillAsync();
        await using var context = LedgerDatabases.Open(source);
        using var log = new LogSink();

        var migration = new LedgerMigration(context, TimeProvider.System, Into(log))
            .ApplyAsync(LedgerMigration.StartupPatience, CancellationToken.None);
        await log.WaitForAsync("PostgreSQL");
        await server.RestartAsync();
        await migration;

        Assert.StartsWith(
            "PostgreSQL is not ready for migrations (attempt 1)", log.All[0].Text, StringComparison.Ordinal);
        Assert.Empty(await context.Database.GetPendingMigrationsAsync());
    }

    [Fact]
    public async Task A_migration_fails_when_the_server_stays_unreachable()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await server.KillAsync();
        await using var context = LedgerDatabases.Open(source);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() =>
            LedgerDatabases.Migration(context).ApplyAsync(TimeSpan.FromMilliseconds(600), CancellationToken.None));

        Assert.IsType<System.Net.Sockets.SocketException>(failure.GetBaseException());
    }

    [Fact]
    public async Task A_permanent_failure_ends_a_migration_at_once()
    {
        var wrong = new NpgsqlConnectionStringBuilder(databases.Server.ConnectionString) { Password = "wrong" };
        await using var context = LedgerDatabases.Open(databases.Connect(wrong.ConnectionString));
        using var log = new LogSink();

        var failure = await Assert.ThrowsAnyAsync<Exception>(() =>
            new LedgerMigration(context, TimeProvider.System, Into(log))
                .ApplyAsync(LedgerMigration.StartupPatience, CancellationToken.None));

        var cause = Assert.IsType<PostgresException>(failure.GetBaseException());
        Assert.Equal(PostgresErrorCodes.InvalidPassword, cause.SqlState);
        Assert.Empty(log.All);
    }

    private static ILogger<LedgerMigration> Into(LogSink log) =>
        new LoggerFactory([log]).CreateLogger<LedgerMigration>();
}
