using Inventory.Contracts;
using Inventory.Testing;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Stock.Tests;

/// <summary>One Redis for a test class, not fenced. Tests are independent because each uses its own SKUs.</summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private static int lastSku;
    private RedisServer server = null!;

    public IConnectionMultiplexer Redis { get; private set; } = null!;

    public IDatabase Database => Redis.GetDatabase();

    public StockStores Engine { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        server = await RedisServer.StartAsync();
        Redis = await ConnectionMultiplexer.ConnectAsync(server.AdminConnectionString);
        Engine = With(new());
        await Engine.Maintenance.LiftFenceAsync();
    }

    public async Task DisposeAsync()
    {
        await Redis.DisposeAsync();
        await server.DisposeAsync();
    }

    public StockStores With(StockOptions options) => new(Redis, Options.Create(options));

    /// <summary>A SKU that no other test uses. Its name has the characters that keys and texts use.</summary>
    public async Task<string> SkuAsync(int total, int? limit = null, bool paused = false, StockStores? engine = null)
    {
        var sku = $"sku:{Interlocked.Increment(ref lastSku)},Größe 38/40 {{x}} 100%";
        await (engine ?? Engine).Levels.SetStockAsync(new(sku, total, 1, limit, paused));
        return sku;
    }

    /// <summary>Moves a hold's deadline into the past, instead of waiting for it.</summary>
    public async Task MakeDueAsync(Reservation reservation, int partitions = 1, double agoMs = 1_000)
    {
        var past = (long)(await NowAsync() - agoMs);
        foreach (var line in reservation.Lines)
        {
            var partition = Partition.Of(line.Sku, partitions);
            await Pages.MoveToFirstAsync(Database, partition, line.Sku, ReservationKey.Of(reservation.Id), past);
            await Database.SortedSetAddAsync(partition.Due, SkuText.Escape(line.Sku), past);
        }
    }

    public async Task<double> NowAsync()
    {
        var time = (RedisResult[])(await Database.ExecuteAsync("TIME"))!;
        return ((double)time[0] * 1000) + Math.Floor((double)time[1] / 1000);
    }

    public Task<ReserveAnswer> ReserveAsync(string holder, params Line[] lines) =>
        Engine.Holds.ReserveAsync(Request(holder, lines));

    public static ReserveRequest Request(string holder, params Line[] lines) => new()
    {
        Id = Guid.NewGuid(),
        Holder = Holder.Customer(holder),
        Lines = lines,
        HoldFor = TimeSpan.FromMinutes(10),
    };

    /// <summary>All keys with their values, for tests of calls that must not change anything.</summary>
    public async Task<List<string>> DumpAsync()
    {
        var dump = new List<string>();
        await foreach (var key in Redis.GetServers()[0].KeysAsync())
        {
            dump.Add($"{key} {Convert.ToHexString((await Database.KeyDumpAsync(key))!)}");
        }

        dump.Sort(StringComparer.Ordinal);
        return dump;
    }

    /// <summary>(total, reserved, available, holds) of a SKU.</summary>
    public async Task<(int Total, int Reserved, int Available, int Holds)> StockOf(
        string sku, StockStores? engine = null)
    {
        var snapshot = await (engine ?? Engine).Levels.SnapshotAsync(sku);
        return (snapshot.Total, snapshot.Reserved, snapshot.Available, snapshot.Holds);
    }
}
