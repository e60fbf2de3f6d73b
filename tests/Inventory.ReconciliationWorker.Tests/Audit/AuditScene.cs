using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests.Audit;

/// <summary>A worker that audits without pause, a materializer in its own process, and access to Redis.</summary>
public sealed class AuditScene : IAsyncDisposable
{
    private readonly Stores stores;
    private readonly ServiceProcess materializer;

    private AuditScene(Stores stores, Worker worker, ConnectionMultiplexer redis, ServiceProcess materializer) =>
        (this.stores, Worker, Connection, this.materializer) = (stores, worker, redis, materializer);

    public Worker Worker { get; }

    public ConnectionMultiplexer Connection { get; }

    public IDatabase Redis => Connection.GetDatabase();

    public StockStores Engine => Worker.Engine;

    public static async Task<AuditScene> StartAsync(Stores stores, bool repair)
    {
        var worker = await Worker.StartCapturingAsync(
            stores,
            ("Audit:Interval", "00:00:00.100"),
            ("Audit:Patience", "00:00:01"),
            ("Audit:ItemsPerSecond", "1000000"),
            ("Audit:Share", "1"),
            ("Audit:AutomaticRepair", repair.ToString()));
        var redis = await ConnectionMultiplexer.ConnectAsync(stores.Redis.AdminConnectionString);
        return new(stores, worker, redis, await stores.StartProcessAsync("Inventory.Materializer"));
    }

    /// <summary>Stops the materializer without ending it.</summary>
    public void FreezeMaterializer() => materializer.Freeze();

    /// <summary>Ends <see cref="FreezeMaterializer"/>.</summary>
    public void ThawMaterializer() => materializer.Thaw();

    /// <summary>A SKU with some units, one hold of 2 that is stored in the ledger, and its customer.</summary>
    public async Task<(string Sku, Guid Id)> SkuWithHoldAsync(int total)
    {
        var sku = await stores.SkuAsync(total);
        return (sku, await StoredHoldAsync(sku));
    }

    /// <summary>A hold of 2 that is stored in the ledger.</summary>
    public async Task<Guid> StoredHoldAsync(string sku)
    {
        var id = await HoldAsync(sku, 2);
        await Eventually.TrueAsync(() => stores.ReadAsync<bool>(
            $"SELECT EXISTS (SELECT FROM reservations WHERE reservation_id = '{id}')"));
        return id;
    }

    public async Task<Guid> HoldAsync(string sku, int quantity)
    {
        var id = Guid.NewGuid();
        var answer = await Engine.Holds.ReserveAsync(new()
        {
            Id = id,
            Holder = Holder.Customer($"user-{id:N}"),
            Lines = [new(sku, quantity)],
            HoldFor = TimeSpan.FromHours(1),
        });
        Assert.Equal(ReserveOutcome.Held, answer.Outcome);
        return id;
    }

    /// <summary>Plain SQL in one transaction.</summary>
    public Task<int> WriteAsync(string sql) => stores.ExecuteAsync(sql);

    /// <summary>Waits for a finding, open or gone.</summary>
    /// <returns>Its cause, and what was done about it.</returns>
    public async Task<(string Cause, string Repair)> FindingAsync(string kind, string sku, bool repaired)
    {
        var which = $"kind = '{kind}' AND sku_id = '{sku}'" + (repaired ? " AND repaired_at IS NOT NULL" : "");
        await Eventually.TrueAsync(() =>
            stores.ReadAsync<bool>($"SELECT EXISTS (SELECT FROM audit_findings WHERE {which})"));
        return (
            await stores.ReadAsync<string>($"SELECT cause FROM audit_findings WHERE {which} ORDER BY id LIMIT 1"),
            await stores.ReadAsync<string>($"SELECT coalesce(max(repair), '') FROM audit_findings WHERE {which}"));
    }

    /// <summary>Waits until this number of complete cycles have begun and ended.</summary>
    public async Task CyclesAsync(int count)
    {
        var last = await stores.ReadAsync<long>("SELECT coalesce(max(id), 0) FROM audit_runs");
        await Eventually.TrueAsync(async () => await stores.ReadAsync<long>(
            $"SELECT count(*) FROM audit_runs WHERE id > {last} AND NOT requested AND state = 'completed'") >= count);
    }

    /// <summary>Asks for a run, as the API does, and waits for its end.</summary>
    public async Task<long> RunAsync(bool dryRun, string sku = "")
    {
        var id = await stores.ReadAsync<long>(
            $"""
            INSERT INTO audit_runs (requested, dry_run, sku_id, state) VALUES (true, {dryRun}, '{sku}', 'waiting')
            RETURNING id
            """);
        await Eventually.TrueAsync(() =>
            stores.ReadAsync<bool>($"SELECT state IN ('completed', 'failed') FROM audit_runs WHERE id = {id}"));
        Assert.Equal("completed", await stores.ReadAsync<string>(
            $"SELECT concat(state, error) FROM audit_runs WHERE id = {id}"));
        return id;
    }

    /// <summary>All keys and values in Redis except the heartbeat.</summary>
    public async Task<IReadOnlyList<string>> DumpRedisAsync()
    {
        var dump = new List<string>();
        await foreach (var key in Connection.GetServers()[0].KeysAsync())
        {
            // The worker updates the heartbeat all the time.
            if (((string)key!).EndsWith(":heartbeat", StringComparison.Ordinal)) continue;
            dump.Add($"{key} {Convert.ToHexString((await Redis.KeyDumpAsync(key))!)}");
        }

        dump.Sort(StringComparer.Ordinal);
        return dump;
    }

    public async ValueTask DisposeAsync()
    {
        await materializer.DisposeAsync();
        await Connection.DisposeAsync();
        await Worker.DisposeAsync();
    }
}
