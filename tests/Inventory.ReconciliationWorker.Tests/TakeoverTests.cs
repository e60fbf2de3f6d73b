using Inventory.Testing;
using Microsoft.Extensions.Logging;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>One instance captures changes, and another takes over.</summary>
public sealed class TakeoverTests(Stores stores) : IClassFixture<Stores>
{
    [Fact]
    public async Task A_standby_waits_without_warnings_and_takes_over_when_the_first_instance_is_gone()
    {
        await using var second = await StartBesideAnotherAsync();

        await Eventually.TrueAsync(() => second.Captures);

        Assert.Equal(1, second.Log.Count("Took over"));
        var sku = await stores.SkuAsync(10);
        await stores.ExecuteAsync($"UPDATE inventory SET total = 11 WHERE sku_id = '{sku}'");
        await stores.InRedisAsync(sku, 11);
    }

    private async Task<Worker> StartBesideAnotherAsync()
    {
        var first = await Worker.StartCapturingAsync(stores);
        await using var _ = first;
        var second = Worker.Start(stores);
        await Eventually.TrueAsync(second.IsHealthyAsync);
        var sku = await stores.SkuAsync(10);
        for (var total = 11; total < 200; total++)
        {
            await stores.ExecuteAsync($"UPDATE inventory SET total = {total} WHERE sku_id = '{sku}'");
            await stores.InRedisAsync(sku, total);
        }

        Assert.False(second.Captures);
        Assert.True(first.Captures);
        Assert.Equal(0, second.Measured("inventory.capture.changes").Sum());
        Assert.Equal(1L, await stores.ReadAsync<long>("SELECT count(*) FROM pg_stat_replication"));
        Assert.DoesNotContain(second.Log.All, line =>
            line.Level >= LogLevel.Warning && line.Text.Contains("is unavailable", StringComparison.Ordinal));
        return second;
    }
}
