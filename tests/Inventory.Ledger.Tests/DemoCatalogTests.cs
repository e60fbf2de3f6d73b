using Inventory.Testing;

namespace Inventory.Ledger.Tests;

[Collection(OneServer.Name)]
public sealed class DemoCatalogTests(LedgerDatabases databases)
{
    private const string Everything =
        """
        SELECT array_agg(format('%s|%s|%s|%s|%s|%s', sku_id, name, max_per_customer, paused, total, version)
                         ORDER BY sku_id)
        FROM products JOIN inventory USING (sku_id)
        """;

    private static readonly string[] Fresh =
        ["flash-100|Flash Sale Sneaker|2|f|100|1", "sku-123|Hydra Serum 30ml||f|10|1"];

    [Fact]
    public async Task Many_concurrent_instances_create_one_catalog()
    {
        var source = await databases.CreateMigratedAsync();

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            await using var context = LedgerDatabases.Open(source);
            await DemoCatalog.EnsureAsync(context, CancellationToken.None);
        }));

        Assert.Equal(Fresh, await source.ReadAsync<string[]>(Everything));
    }

    [Fact]
    public async Task A_second_run_resets_nothing()
    {
        var source = await databases.CreateMigratedAsync();
        await using var context = LedgerDatabases.Open(source);
        await DemoCatalog.EnsureAsync(context, CancellationToken.None);
        await source.ExecuteAsync("UPDATE inventory SET total = 0 WHERE sku_id = 'sku-123'");
        await source.ExecuteAsync("UPDATE products SET max_per_customer = NULL WHERE sku_id = 'flash-100'");

        await DemoCatalog.EnsureAsync(context, CancellationToken.None);

        Assert.Equal(
            ["flash-100|Flash Sale Sneaker||f|100|2", "sku-123|Hydra Serum 30ml||f|0|2"],
            await source.ReadAsync<string[]>(Everything));
    }

    [Fact]
    public async Task Only_missing_rows_are_inserted()
    {
        var source = await databases.CreateMigratedAsync();
        await source.ExecuteAsync("INSERT INTO products (sku_id, name) VALUES ('sku-123', 'Ours')");
        await using var context = LedgerDatabases.Open(source);

        await DemoCatalog.EnsureAsync(context, CancellationToken.None);

        Assert.Equal([Fresh[0], "sku-123|Ours||f|10|1"], await source.ReadAsync<string[]>(Everything));
    }
}
