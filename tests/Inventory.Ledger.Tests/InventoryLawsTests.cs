using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>The invariants that the database itself enforces for every writer.</summary>
[Collection(OneServer.Name)]
public sealed class InventoryLawsTests(LedgerDatabases databases)
{
    [Fact]
    public async Task A_new_row_has_version_1()
    {
        var sku = await databases.StockAsync(10);

        Assert.Equal((10, 1L), await databases.Shared.LevelAsync(sku));
    }

    [Theory]
    //          what the statement sets                 ->  total  version
    [InlineData("total = total + 5", 15, 2)]
    [InlineData("total = total", 10, 2)]
    [InlineData("total = 0, version = 900", 0, 2)]
    [InlineData("version = 0", 10, 2)]
    public async Task A_plain_update_raises_the_version_by_one_whatever_it_sets(string set, int total, long version)
    {
        var sku = await databases.StockAsync(10);

        await databases.Shared.ExecuteAsync($"UPDATE inventory SET {set} WHERE sku_id = '{sku}'");

        Assert.Equal((total, version), await databases.Shared.LevelAsync(sku));
    }

    [Fact]
    public async Task Each_concurrent_update_gets_its_own_version()
    {
        var sku = await databases.StockAsync(100);

        var versions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => databases.Shared.ReadAsync<long>(
            $"UPDATE inventory SET total = total - 1 WHERE sku_id = '{sku}' RETURNING version")));

        Assert.Equal(Enumerable.Range(2, 50).Select(version => (long)version), versions.Order());
        Assert.Equal((50, 51L), await databases.Shared.LevelAsync(sku));
    }

    [Fact]
    public async Task A_total_below_zero_is_refused_and_changes_nothing()
    {
        var sku = await databases.StockAsync(3);

        var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
            databases.Shared.ExecuteAsync($"UPDATE inventory SET total = total - 4 WHERE sku_id = '{sku}'"));

        Assert.Equal("ck_inventory_total", refusal.ConstraintName);
        Assert.Equal((3, 1L), await databases.Shared.LevelAsync(sku));
    }

    [Theory]
    //          what the statement sets                 ->  version of the inventory row
    [InlineData("max_per_customer = 2", 2)]
    [InlineData("paused = true", 2)]
    [InlineData("paused = true, max_per_customer = 4", 2)]
    [InlineData("paused = false, max_per_customer = NULL", 1)]
    [InlineData("name = 'Another name'", 1)]
    public async Task Only_a_change_of_limit_or_pause_raises_the_version(string set, long version)
    {
        var sku = await databases.StockAsync(10);

        await databases.Shared.ExecuteAsync($"UPDATE products SET {set} WHERE sku_id = '{sku}'");

        Assert.Equal((10, version), await databases.Shared.LevelAsync(sku));
    }

    [Fact]
    public async Task A_writer_with_another_search_path_raises_the_version_too()
    {
        var sku = await databases.StockAsync(10);

        await databases.Shared.ExecuteAsync(
            $"SET LOCAL search_path = pg_catalog; UPDATE public.products SET paused = true WHERE sku_id = '{sku}'");

        Assert.Equal((10, 2L), await databases.Shared.LevelAsync(sku));
    }

    [Theory]
    [InlineData("DELETE FROM inventory WHERE sku_id = '{0}'")]
    [InlineData("UPDATE inventory SET sku_id = 'other' WHERE sku_id = '{0}'")]
    [InlineData("TRUNCATE inventory")]
    public async Task An_inventory_row_cannot_be_removed_or_renamed(string statement)
    {
        var sku = await databases.StockAsync(10);

        var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
            databases.Shared.ExecuteAsync(statement.Replace("{0}", sku, StringComparison.Ordinal)));

        Assert.Equal(PostgresErrorCodes.RestrictViolation, refusal.SqlState);
        Assert.Equal((10, 1L), await databases.Shared.LevelAsync(sku));
    }

    [Theory]
    //           sku       name   max    ->  constraint
    [InlineData("''", "'n'", "NULL", "ck_products_sku_id")]
    [InlineData("repeat('x', 65)", "'n'", "NULL", "ck_products_sku_id")]
    [InlineData("repeat('ü', 65)", "'n'", "NULL", "ck_products_sku_id")]
    [InlineData("'mug '", "'n'", "NULL", "ck_products_sku_id")]
    [InlineData(@"E'mug\tcup'", "'n'", "NULL", "ck_products_sku_id")]
    [InlineData("'Gro\u0308ße'", "'n'", "NULL", "ck_products_sku_id")]
    [InlineData("'..'", "'n'", "NULL", "ck_products_sku_id")]
    [InlineData("'x'", "''", "NULL", "ck_products_name")]
    [InlineData("'x'", "repeat('n', 257)", "NULL", "ck_products_name")]
    [InlineData("'x'", "'n'", "0", "ck_products_max_per_customer")]
    public async Task A_product_out_of_bounds_is_refused(string sku, string name, string max, string constraint)
    {
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => databases.Shared.ExecuteAsync(
            $"INSERT INTO products (sku_id, name, max_per_customer) VALUES ({sku}, {name}, {max})"));

        Assert.Equal(constraint, refusal.ConstraintName);
    }

    [Fact]
    public async Task A_save_reads_the_version_back_and_a_stale_one_is_refused()
    {
        var sku = await databases.StockAsync(10);
        await using var early = LedgerDatabases.Open(databases.Shared);
        await using var late = LedgerDatabases.Open(databases.Shared);
        var first = await early.Inventory.SingleAsync(row => row.SkuId == sku);
        var second = await late.Inventory.SingleAsync(row => row.SkuId == sku);

        first.Total = 11;
        await early.SaveChangesAsync();
        second.Total = 99;

        Assert.Equal(2, first.Version);
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => late.SaveChangesAsync());
        Assert.Equal((11, 2L), await databases.Shared.LevelAsync(sku));
    }

    [Fact]
    public async Task A_saved_product_gets_its_times_from_the_database()
    {
        var sku = await databases.StockAsync(10);
        await using var context = LedgerDatabases.Open(databases.Shared);
        var product = await context.Products.SingleAsync(product => product.SkuId == sku);
        var created = product.UpdatedAt;

        product.MaxPerCustomer = 3;
        await context.SaveChangesAsync();

        Assert.Equal(created, product.CreatedAt);
        Assert.True(product.UpdatedAt > created);
        Assert.Equal((10, 2L), await databases.Shared.LevelAsync(sku));
    }
}
