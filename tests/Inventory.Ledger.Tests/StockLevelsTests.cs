using Inventory.Contracts;
using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Inventory.Ledger.Tests;

[Collection(OneServer.Name)]
public sealed class StockLevelsTests(LedgerDatabases databases)
{
    // The multiplier scatters the numbers, so that insertion order and key order differ.
    private static string Fill(int skus) =>
        $"""
        WITH numbers AS (SELECT (n * 7919) % {skus} AS n FROM generate_series(0, {skus} - 1) AS n),
             named AS (INSERT INTO products (sku_id, name, max_per_customer, paused)
                       SELECT CASE n % 3 WHEN 0 THEN 'sku-' WHEN 1 THEN 'SKU_' ELSE 'ähre-' END || n, 'Product ' || n,
                              nullif(n % 5, 0), n % 2 = 1
                       FROM numbers RETURNING sku_id)
        SELECT count(*) FROM named;
        INSERT INTO inventory (sku_id, total) SELECT sku_id, length(sku_id) FROM products;
        """;

    [Theory]
    [InlineData(0, 1_000)]
    [InlineData(999, 1_000)]
    [InlineData(1_000, 1_000)]
    [InlineData(2_500, 1_000)]
    [InlineData(2_500, 1)]
    [InlineData(2_500, 2_500)]
    [InlineData(2_500, 10_000)]
    public async Task Reading_is_complete_and_in_byte_order_whatever_the_page(int skus, int pageSize)
    {
        var source = await databases.CreateMigratedAsync();
        if (skus > 0)
        {
            await source.ExecuteAsync(Fill(skus));
        }

        await using var context = LedgerDatabases.Open(source);
        var levels = await new StockLevels(context).ReadAllAsync(pageSize).ToListAsync();

        Assert.Equal(skus, levels.Count);
        Assert.Equal(levels.Select(level => level.Sku).Distinct().Order(StringComparer.Ordinal),
            levels.Select(level => level.Sku));
        Assert.Empty(context.ChangeTracker.Entries());
    }

    [Fact]
    public async Task A_level_has_everything_that_Redis_needs()
    {
        var source = await databases.CreateMigratedAsync();
        await source.ExecuteAsync(
            """
            INSERT INTO products (sku_id, name, max_per_customer, paused)
            VALUES ('a', 'A', NULL, false), ('b', 'B', 4, true);
            INSERT INTO products (sku_id, name) VALUES ('c', 'C, of which there is no inventory row');
            INSERT INTO inventory (sku_id, total) VALUES ('a', 0), ('b', 7);
            UPDATE inventory SET total = 8 WHERE sku_id = 'b';
            """);
        await using var context = LedgerDatabases.Open(source);

        var levels = await new StockLevels(context).ReadAllAsync().ToListAsync();

        Assert.Equal([new("a", 0, 1, null, false), new("b", 8, 2, 4, true)], levels);
    }

    [Fact]
    public async Task A_reader_keeps_no_connection_between_pages_and_sees_later_changes()
    {
        var source = await databases.CreateMigratedAsync();
        await source.ExecuteAsync(
            """
            INSERT INTO products (sku_id, name) VALUES ('a', 'A'), ('b', 'B'), ('c', 'C');
            INSERT INTO inventory (sku_id, total) VALUES ('a', 1), ('b', 1), ('c', 1);
            """);
        await using var context = LedgerDatabases.Open(source);
        await using var reader = new StockLevels(context).ReadAllAsync(pageSize: 1).GetAsyncEnumerator();

        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(System.Data.ConnectionState.Closed, context.Database.GetDbConnection().State);
        await source.ExecuteAsync("UPDATE inventory SET total = 2 WHERE sku_id IN ('a', 'b')");

        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(new StockLevel("b", 2, 2, null, false), reader.Current);
    }

    [Fact]
    public async Task The_rows_read_for_all_levels_are_proportional_to_the_number_of_products()
    {
        // With one session its counters can be flushed and read at once.
        var one = new NpgsqlConnectionStringBuilder(await databases.Server.CreateDatabaseAsync()) { MaxPoolSize = 1 };
        var source = databases.Connect(one.ConnectionString);
        await using var context = LedgerDatabases.Open(source);
        await context.Database.MigrateAsync();
        await source.ExecuteAsync(Fill(20_000));
        await source.ExecuteAsync("ANALYZE");
        var before = await ProductsReadAsync(source);

        var levels = await new StockLevels(context).ReadAllAsync(pageSize: 20).CountAsync();

        Assert.Equal(20_000, levels);
        // Each row once for the answer, and a few rows for each page: the planner probes the ends of the index.
        Assert.InRange(await ProductsReadAsync(source) - before, 20_000, 30_000);
    }

    private static async Task<long> ProductsReadAsync(NpgsqlDataSource source)
    {
        await source.ExecuteAsync("SELECT pg_stat_force_next_flush()");
        return await source.ReadAsync<long>(
            "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'products'");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(StockLevels.MaxPageSize + 1)]
    public void A_page_out_of_bounds_is_refused_before_anything_is_read(int pageSize)
    {
        using var context = LedgerDatabases.Open(databases.Shared);

        Assert.Throws<ArgumentOutOfRangeException>(() => new StockLevels(context).ReadAllAsync(pageSize));
    }
}
