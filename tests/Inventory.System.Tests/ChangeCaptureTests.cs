using Inventory.Testing;

namespace Inventory.System.Tests;

/// <summary>Change capture brings a total that was changed by plain SQL into Redis at once.</summary>
[Collection(nameof(Stack))]
public sealed class ChangeCaptureTests(Stack stack)
{
    [Fact]
    public async Task A_plain_SQL_update_is_in_Redis_before_the_next_sweep()
    {
        var sku = await stack.SkuAsync(10);

        await stack.ExecuteAsync($"UPDATE inventory SET total = total + 5 WHERE sku_id = '{sku}'");

        // A sweep comes every ten minutes; the wait below fails after two.
        await Eventually.EqualAsync(15, async () => (int?)(await stack.SnapshotAsync(sku))["total"]);
    }
}
