using System.Text.Json;
using Inventory.Ledger;
using Inventory.ReservationApi.Queue;
using Inventory.Storage;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Products;

/// <summary>The product cache that all instances share, in Redis. Every read works without it.</summary>
/// <remarks>
/// Invariant: a cached product was read from PostgreSQL after the last change by this API. A reader takes a lease
/// before it reads, and writes only under this lease. A change replaces the lease, so that a slower reader, which may
/// have read the earlier state, writes nothing. The key expires, because changes by plain SQL don't replace it.
/// </remarks>
internal sealed class SharedProducts(
    IConnectionMultiplexer redis, StockCircuit circuit, IOptions<ProductCacheOptions> options,
    ProductCacheMetrics metrics, TimeProvider time)
{
    private const string LeaseMark = "lease:";

    // Longer than PostgreSQL may take to answer. Short, because no reader writes while a dead instance has the lease.
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(6);

    // How long reads skip Redis after it did not answer, so that not each of them waits for it.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly RedisChannel Changes = RedisChannel.Literal("inventory:products:changed");

    private readonly IDatabase database = redis.GetDatabase();
    private readonly ProductCacheOptions settings = options.Value;
    private readonly string instance = Guid.NewGuid().ToString("N");
    private long unavailableAt;

    private bool IsUnavailable => circuit.IsOpen
        || (Volatile.Read(ref unavailableAt) is var at and not 0 && time.GetElapsedTime(at) < Pause);

    /// <summary>The cached product; null when there is none.</summary>
    internal async Task<ProductState?> ReadAsync(string sku)
    {
        var (answered, text) = await TryAsync(() => database.StringGetAsync(Key(sku)));
        if (!answered) return null;
        var state = Parse(text);
        if (state is null) metrics.RedisMiss();
        else metrics.RedisHit();
        return state;
    }

    /// <summary>The lease to write what is read from now on; null when another reader has it.</summary>
    /// <param name="sku">Which product.</param>
    /// <param name="changed">
    /// Whether it was changed: then the cached state and all reads under way are out of date.
    /// </param>
    internal async Task<string?> LeaseAsync(string sku, bool changed)
    {
        var lease = LeaseMark + Guid.NewGuid().ToString("N");
        var (_, isOurs) = await TryAsync(() => database.StringSetAsync(
            Key(sku), lease, LeaseTime, when: changed ? When.Always : When.NotExists));
        return isOurs ? lease : null;
    }

    /// <summary>Writes what was read under a lease, unless the lease is over. Null releases the lease.</summary>
    internal Task WriteAsync(string sku, ProductState? state, string lease) => TryAsync(() =>
    {
        var transaction = database.CreateTransaction();
        transaction.AddCondition(Condition.StringEqual(Key(sku), lease));
        // Both tasks complete with the transaction. Its result says whether they were executed.
        _ = state is null
            ? transaction.KeyDeleteAsync(Key(sku))
            : transaction.StringSetAsync(
                Key(sku), JsonSerializer.Serialize(state, ApiJson.Default.ProductState), settings.SharedLifetime);
        return transaction.ExecuteAsync();
    });

    /// <summary>Tells the other instances that a product was changed.</summary>
    internal Task TellAsync(string sku) => TryAsync(() => database.PublishAsync(Changes, instance + " " + sku));

    /// <summary>Subscribes to the products that other instances change.</summary>
    /// <param name="changed">Called with the SKU.</param>
    internal Task HearAsync(Action<string> changed) => redis.GetSubscriber().SubscribeAsync(Changes, (_, message) =>
    {
        var parts = ((string?)message ?? "").Split(' ', 2);
        if (parts.Length == 2 && parts[0] != instance) changed(parts[1]);
    }).OrFailedAsync();

    private static RedisKey Key(string sku) => "cache:product:1:" + sku;

    private static ProductState? Parse(RedisValue text)
    {
        if (text.IsNull || ((string)text!).StartsWith(LeaseMark, StringComparison.Ordinal)) return null;
        try
        {
            return JsonSerializer.Deserialize((string)text!, ApiJson.Default.ProductState);
        }
        catch (JsonException)
        {
            // Another version has written it; it expires soon.
            return null;
        }
    }

    private async Task<(bool Answered, T? Answer)> TryAsync<T>(Func<Task<T>> call)
    {
        if (!IsUnavailable)
        {
            try
            {
                return (true, await call().OrFailedAsync().WaitAsync(settings.RedisPatience, time));
            }
            catch (Exception e) when (e is TimeoutException
                or StoreException { IsOutage: true } or CorruptDataException)
            {
                Volatile.Write(ref unavailableAt, time.GetTimestamp());
            }
        }

        metrics.RedisUnavailable();
        return (false, default);
    }
}
