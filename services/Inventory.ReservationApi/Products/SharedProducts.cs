using System.Text.Json;
using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queueing;
using Inventory.Stock;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.ReservationApi.Products;

/// <summary>Products that all instances remember together, in Redis. Never more than a convenience.</summary>
/// <remarks>
/// Law: what stands here was read from PostgreSQL after the last change that we have made. Whoever wants to write takes
/// a lease before reading; a change puts its own lease in the place, so that a slower reader, who may have read what
/// was there before, writes nothing. The key expires: it is no truth.
/// </remarks>
internal sealed class SharedProducts(
    IConnectionMultiplexer redis, StockCircuit circuit, IOptions<ProductCacheOptions> options,
    ProductCacheMetrics metrics, TimeProvider time)
{
    private const string LeaseMark = "lease:";

    // Longer than PostgreSQL may take to answer; short, because nobody writes while a dead instance has it.
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(6);

    // After a Redis that did not answer: reads go on without it for so long, instead of waiting each in turn.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly RedisChannel Changes = RedisChannel.Literal("inventory:products:changed");

    private readonly IDatabase database = redis.GetDatabase();
    private readonly ProductCacheOptions settings = options.Value;
    private readonly string instance = Guid.NewGuid().ToString("N");
    private long awayAt;

    private bool IsAway => circuit.IsOpen
        || (Volatile.Read(ref awayAt) is var at and not 0 && time.GetElapsedTime(at) < Pause);

    /// <summary>The product as it is remembered; null when it is not.</summary>
    internal async Task<ProductState?> ReadAsync(string sku)
    {
        var (answered, text) = await TryAsync(() => database.StringGetAsync(Key(sku)));
        if (!answered) return null;
        var state = Parse(text);
        if (state is null) metrics.RedisMiss();
        else metrics.RedisHit();
        return state;
    }

    /// <summary>The right to write what is read from now on; null when somebody else has it.</summary>
    /// <param name="sku">Which product.</param>
    /// <param name="changed">It was changed: whatever is there, or on its way there, is out of date.</param>
    internal async Task<string?> LeaseAsync(string sku, bool changed)
    {
        var lease = LeaseMark + Guid.NewGuid().ToString("N");
        var (_, isOurs) = await TryAsync(() => database.StringSetAsync(
            Key(sku), lease, LeaseTime, when: changed ? When.Always : When.NotExists));
        return isOurs ? lease : null;
    }

    /// <summary>Writes what was read under a lease, unless that is over. Null gives the lease back.</summary>
    internal Task WriteAsync(string sku, ProductState? state, string lease) => TryAsync(() =>
    {
        var transaction = database.CreateTransaction();
        transaction.AddCondition(Condition.StringEqual(Key(sku), lease));
        // Both end with the transaction, which says whether they happened.
        _ = state is null
            ? transaction.KeyDeleteAsync(Key(sku))
            : transaction.StringSetAsync(
                Key(sku), JsonSerializer.Serialize(state, ApiJson.Default.ProductState), settings.SharedLifetime);
        return transaction.ExecuteAsync();
    });

    /// <summary>Tells the other instances that a product was changed.</summary>
    internal Task TellAsync(string sku) => TryAsync(() => database.PublishAsync(Changes, instance + " " + sku));

    /// <summary>Hears which products the other instances have changed.</summary>
    /// <param name="changed">Called with the SKU.</param>
    internal Task HearAsync(Action<string> changed) => redis.GetSubscriber().SubscribeAsync(Changes, (_, message) =>
    {
        var parts = ((string?)message ?? "").Split(' ', 2);
        if (parts.Length == 2 && parts[0] != instance) changed(parts[1]);
    });

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
            // Another version's, and soon expired.
            return null;
        }
    }

    /// <summary>Whether a call failed because Redis is away, in whose words ever: <see cref="GivenUp"/>.</summary>
    internal static bool IsAwayBy(Exception failure) =>
        failure is TimeoutException || GivenUp.IsSaidBy(failure) || Failures.Explain(failure) is not null;

    private async Task<(bool Answered, T? Answer)> TryAsync<T>(Func<Task<T>> call)
    {
        if (!IsAway)
        {
            try
            {
                return (true, await call().WaitAsync(settings.RedisPatience, time));
            }
            catch (Exception e) when (IsAwayBy(e))
            {
                Volatile.Write(ref awayAt, time.GetTimestamp());
            }
        }

        metrics.RedisAway();
        return (false, default);
    }
}
