using Inventory.Stock;
using Inventory.Testing;

namespace Inventory.Crash.Tests;

/// <summary>A worker that is stopped during its work ends between two batches.</summary>
[Collection(nameof(Site))]
public sealed class WorkerStopTests(Site site)
{
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task An_expiration_worker_stops_cleanly_and_another_expires_the_rest()
    {
        var sku = await site.SkuAsync(1_000_000);
        await using var shoppers = new Shoppers(site, sku, Brief);

        await StopUnderLoadAsync(
            "Inventory.ExpirationWorker", "Expiration:BatchSize",
            async () => (await site.Engine.Levels.SnapshotAsync(sku)).Reserved < shoppers.Held / 2);
        await shoppers.LeaveAsync();

        await using var next = await ServiceProcess.StartAsync("Inventory.ExpirationWorker", site.Stores);
        await Eventually.EqualAsync(0, async () => (await site.Engine.Levels.SnapshotAsync(sku)).Reserved, site);
    }

    [Fact]
    public async Task A_materializer_stops_cleanly_and_another_stores_the_rest_once()
    {
        var sku = await site.SkuAsync(1_000_000);
        await using var shoppers = new Shoppers(site, sku, TimeSpan.FromHours(1));
        Task<long> StoredAsync(string table) => site.ReadAsync<long>(
            $$"""SELECT count(*) FROM {{table}} WHERE lines @> '[{"sku": "{{sku}}"}]'""");

        await StopUnderLoadAsync(
            "Inventory.Materializer", "Materializer:BatchSize", async () => await StoredAsync("reservations") > 100);
        await shoppers.LeaveAsync();

        await using var next = await ServiceProcess.StartAsync("Inventory.Materializer", site.Stores);
        await Eventually.TrueAsync(async () => await StoredAsync("reservation_events") >= shoppers.Held, site);
        Assert.Equal(
            (shoppers.Held, shoppers.Held),
            ((int)await StoredAsync("reservations"), (int)await StoredAsync("reservation_events")));
    }

    /// <summary>Starts a worker with small batches, and stops it once it is at work.</summary>
    private async Task StopUnderLoadAsync(string project, string batchSize, Func<Task<bool>> isAtWork)
    {
        await using var worker = await ServiceProcess.StartAsync(project, [.. site.Stores, (batchSize, "7")]);
        await Eventually.TrueAsync(isAtWork, site);

        await worker.TerminateAsync();

        var said = $"{worker}";
        Assert.Equal((0, ""), (worker.ExitCode, string.Join('\n', said.Split('\n').Where(IsComplaint))));
    }

    private static bool IsComplaint(string line) =>
        line.StartsWith("warn:", StringComparison.Ordinal) || line.StartsWith("fail:", StringComparison.Ordinal)
        || line.StartsWith("crit:", StringComparison.Ordinal)
        || line.Contains("Unhandled", StringComparison.Ordinal);

    /// <summary>Shoppers who hold one unit after the other until the test stops them.</summary>
    private sealed class Shoppers : IAsyncDisposable
    {
        private readonly CancellationTokenSource leaving = new();
        private readonly Task shopping;
        private int held;

        public Shoppers(Site site, string sku, TimeSpan holdFor) =>
            shopping = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                while (!leaving.IsCancellationRequested)
                {
                    var answer = await site.Engine.Holds.ReserveAsync(new()
                    {
                        Id = Guid.NewGuid(),
                        Holder = Holder.Customer($"user-{Guid.NewGuid():N}"),
                        Lines = [new(sku, 1)],
                        HoldFor = holdFor,
                    });
                    Assert.Equal(ReserveOutcome.Held, answer.Outcome);
                    Interlocked.Increment(ref held);
                }
            })));

        public int Held => Volatile.Read(ref held);

        public async Task LeaveAsync()
        {
            await leaving.CancelAsync();
            await shopping;
        }

        public async ValueTask DisposeAsync()
        {
            await LeaveAsync();
            leaving.Dispose();
        }
    }
}
