using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// The only caller of the scripts in <c>lua/</c>: each method is one of them, typed. Refusals are answers; exceptions
/// mean that Redis is away (<see cref="RedisConnectionException"/>, <see cref="RedisTimeoutException"/>: it may have
/// acted) or that a script has a bug (<see cref="RedisServerException"/>).
/// </summary>
/// <param name="redis">The connection that all calls share.</param>
/// <param name="options">Layout and limits.</param>
public sealed partial class StockEngine(IConnectionMultiplexer redis, IOptions<StockOptions> options)
{
    private readonly IDatabase database = redis.GetDatabase();
    private readonly RunGuard guard = new(redis.GetDatabase());
    private readonly ConcurrentDictionary<(Script, Partition), SharedCalls> shared = new();
    private readonly StockOptions settings = options.Value;

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    private IEnumerable<Partition> Partitions =>
        Enumerable.Range(0, settings.Partitions).Select(index => new Partition(index));

    private RedisValue EndedRetention => (long)settings.EndedRetention.TotalSeconds;

    private RedisValue IdempotencyRetention => (long)settings.IdempotencyRetention.TotalSeconds;

    /// <summary>The trace that an event belongs to; empty while nobody records it.</summary>
    private static RedisValue Trace =>
        Activity.Current is { Recorded: true, IdFormat: ActivityIdFormat.W3C } activity
            ? activity.Id
            : RedisValue.EmptyString;

    private SharedCalls CallsOf(Script script, Partition partition) =>
        shared.TryGetValue((script, partition), out var calls)
            ? calls
            : shared.GetOrAdd((script, partition), script == Script.Reserve
                ? ReserveCalls(partition)
                : new SharedCalls(guard, script, partition, "", EndedRetention));

    private static RedisValue Fingerprint(Idempotency? idempotency) =>
        idempotency?.Fingerprint ?? RedisValue.EmptyString;

    private static long Milliseconds(TimeSpan span)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.FromMilliseconds(1));
        return (long)span.TotalMilliseconds;
    }
}
