using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Inventory.Contracts;
using Inventory.Storage;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// What all stores of <see cref="StockStores"/> share: the connection, the layout and the coalesced calls.
/// </summary>
/// <param name="redis">The connection.</param>
/// <param name="options">Layout and limits.</param>
internal sealed class PartitionedRedis(IConnectionMultiplexer redis, IOptions<StockOptions> options)
{
    // A constant text, because each reply of reserve.lua is compared with it.
    private static readonly string MoreDue = ((int)ReserveOutcome.MoreDue).ToString(CultureInfo.InvariantCulture);

    private readonly ConcurrentDictionary<(Script, Partition), CoalescedCalls> calls = new();

    /// <summary>The trace context for events; empty if the current activity is not recorded.</summary>
    public static RedisValue Trace =>
        Activity.Current is { Recorded: true, IdFormat: ActivityIdFormat.W3C } activity
            ? activity.Id
            : RedisValue.EmptyString;

    /// <summary>The connection's database.</summary>
    public IDatabase Database { get; } = redis.GetDatabase();

    /// <summary>Runs scripts only in the verified run of the server.</summary>
    public RunGuard Guard { get; } = new(redis.GetDatabase());

    /// <summary>Layout and limits.</summary>
    public StockOptions Settings { get; } = options.Value;

    /// <summary>Every partition, in ascending order.</summary>
    public IReadOnlyList<Partition> Partitions { get; } =
        [.. Enumerable.Range(0, options.Value.Partitions).Select(index => new Partition(index))];

    /// <summary>See <see cref="StockOptions.EndedRetention"/>; in seconds, as the scripts take it.</summary>
    public RedisValue EndedRetention => (long)Settings.EndedRetention.TotalSeconds;

    /// <summary>See <see cref="StockOptions.IdempotencyRetention"/>; in seconds, as the scripts take it.</summary>
    public RedisValue IdempotencyRetention => (long)Settings.IdempotencyRetention.TotalSeconds;

    /// <summary>See <see cref="StockOptions.MaxSharePerShopper"/>; in thousandths, as the scripts take it.</summary>
    public RedisValue ShopperShare => (int)(Settings.MaxSharePerShopper * 1_000);

    /// <summary>The fingerprint as the scripts take it; empty for a request without a key.</summary>
    public static RedisValue Fingerprint(Idempotency? idempotency) =>
        idempotency?.Fingerprint ?? RedisValue.EmptyString;

    /// <summary>The SKU as the scripts take it; see <see cref="SkuText"/>.</summary>
    public static RedisValue Stored(string sku) => SkuText.Escape(sku);

    /// <summary>A time span in milliseconds, as the scripts take it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is shorter than a millisecond.</exception>
    public static long Milliseconds(TimeSpan span)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.FromMilliseconds(1));
        return (long)span.TotalMilliseconds;
    }

    /// <summary>The partition of a SKU's stock.</summary>
    public Partition PartitionOf(string sku) => Partition.Of(sku, Settings.Partitions);

    /// <summary>Lines by partition, in ascending order of partitions.</summary>
    public IEnumerable<IGrouping<Partition, Line>> PartsOf(IReadOnlyList<Line> lines) =>
        lines.GroupBy(line => PartitionOf(line.Sku)).OrderBy(part => part.Key.Index);

    /// <summary>Runs a script that decides several requests in one call.</summary>
    /// <param name="script">The script.</param>
    /// <param name="partition">The partition.</param>
    public CoalescedCalls CallsOf(Script script, Partition partition) =>
        calls.TryGetValue((script, partition), out var found)
            ? found
            : calls.GetOrAdd((script, partition), script == Script.Reserve
                ? ReserveCalls(partition)
                : new CoalescedCalls(Guard, script, partition, "", EndedRetention));

    /// <summary>The server's clock; every deadline is compared with it.</summary>
    public async Task<DateTimeOffset> NowAsync()
    {
        var time = (RedisValue[])(await Database.ExecuteAsync("TIME").OrFailedAsync())!;
        return DateTimeOffset.FromUnixTimeSeconds((long)time[0]).AddMilliseconds((long)time[1] / 1000);
    }

    /// <summary>The server that has a key.</summary>
    /// <exception cref="StoreUnavailableException">There is no connection to it.</exception>
    public async Task<IServer> ServerOfAsync(RedisKey key) =>
        redis.GetServer(await Database.IdentifyEndpointAsync(key).OrFailedAsync()
            ?? throw new StoreUnavailableException(Store.Redis, "No server of Redis has the key."));

    // Repeating a call terminates: each call that answers MoreDue has expired at least one due hold, and new holds are
    // not due yet.
    private CoalescedCalls ReserveCalls(Partition partition) => new(
        Guard, Script.Reserve, partition, "", EndedRetention, "", IdempotencyRetention, Settings.ReclaimBatch,
        Settings.MaxHoldsPerSku, Milliseconds(Settings.MaxLifetime), Settings.MaxUnitsPerShopper, ShopperShare)
    {
        Again = MoreDue,
    };
}
