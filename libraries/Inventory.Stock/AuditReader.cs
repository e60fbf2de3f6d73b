using System.Globalization;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;
using static Inventory.Stock.PartitionedRedis;

namespace Inventory.Stock;

/// <summary>
/// What the audit reads from Redis. No method here changes anything; null means that the partition is fenced.
/// </summary>
public sealed class AuditReader
{
    /// <summary>
    /// Maximum number of holds that one step of an audit reads: it blocks Redis for some two milliseconds.
    /// </summary>
    public const int AuditBudget = 300;

    private readonly PartitionedRedis redis;

    internal AuditReader(PartitionedRedis redis) => this.redis = redis;

    /// <summary>All partitions.</summary>
    public IReadOnlyList<Partition> Partitions => redis.Partitions;

    /// <summary>The partition of a SKU's stock.</summary>
    public Partition PartitionOf(string sku) => redis.PartitionOf(sku);

    /// <summary>Reads SKUs of one partition, in order, up to the budget of one step.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="skus">One or more.</param>
    public async Task<StockLooks?> AuditStockAsync(Partition partition, IReadOnlyList<string> skus)
    {
        var result = await Script.AuditStock.RunAsync(
            redis.Guard,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, redis.EndedRetention, AuditBudget, .. skus.Select(Stored)]);
        return ReadStock(new(result), skus);
    }

    /// <summary>Reads holds of one partition.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="ids">At most <see cref="AuditBudget"/>.</param>
    public async Task<HoldLooks?> AuditHoldsAsync(Partition partition, IReadOnlyList<Guid> ids)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ids.Count, AuditBudget);
        var result = await Script.AuditHolds.RunAsync(
            redis.Guard,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, redis.EndedRetention, .. ids.Select(id => (RedisValue)ReservationKey.Of(id))]);
        return ReadHolds(new(result), ids);
    }

    /// <summary>Checks customers' entries of one partition.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="entries">Bucket and field of each.</param>
    /// <returns>The entries that list reservations which don't hold the SKU.</returns>
    public async Task<IReadOnlyList<WrongUnits>?> AuditUnitsAsync(
        Partition partition, IReadOnlyList<(string Bucket, string Field)> entries)
    {
        var result = await Script.AuditUnits.RunAsync(
            redis.Guard,
            [partition.Epoch, partition.Events, partition.Due],
            [
                Trace, redis.EndedRetention,
                .. entries.SelectMany(entry => new RedisValue[] { entry.Bucket, entry.Field }),
            ]);
        return ReadUnits(new(result));
    }

    /// <summary>Reads what owners have bought of SKUs of one partition.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="accounts">At most <see cref="AuditBudget"/>.</param>
    public async Task<IReadOnlyList<BoughtLook>?> AuditBoughtAsync(
        Partition partition, IReadOnlyList<(Holder Owner, string Sku)> accounts)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(accounts.Count, AuditBudget);
        var result = await Script.AuditBought.RunAsync(
            redis.Guard,
            [partition.Epoch, partition.Events, partition.Due],
            [
                Trace, redis.EndedRetention,
                .. accounts.SelectMany(one => new RedisValue[] { one.Owner.Text, Stored(one.Sku) }),
            ]);
        return ReadBought(new(result), accounts.Count);
    }

    /// <summary>Scans one hash in pages, while other clients write to it.</summary>
    /// <param name="key">The hash.</param>
    public IAsyncEnumerable<HashEntry> ScanHashAsync(RedisKey key) =>
        redis.Database.HashScanAsync(key, pageSize: AuditBudget).OrFailedAsync();

    /// <summary>The number of entries of some hashes, in one round trip.</summary>
    /// <param name="keys">The hashes.</param>
    /// <returns>The length of each; -1 for a key of another type.</returns>
    public Task<long[]> HashLengthsAsync(IEnumerable<RedisKey> keys) =>
        Task.WhenAll([.. keys.Select(LengthAsync)]);

    /// <summary>
    /// Ids of a SKU's pending holds, page by page, while other clients write to them; possibly with duplicates.
    /// </summary>
    /// <remarks>Pages are read from the last to the first, because ids only move to later pages.</remarks>
    public async IAsyncEnumerable<Guid> ScanDeadlinesAsync(string sku)
    {
        var (partition, end) = (redis.PartitionOf(sku), double.PositiveInfinity);
        while (true)
        {
            var last = await redis.Database
                .SortedSetRangeByScoreAsync(
                    partition.PagesOf(sku), stop: end, exclude: Exclude.Stop, order: Order.Descending, take: 1)
                .OrFailedAsync();
            var page = last.Length > 0 ? partition.PageOf(sku, last[0]) : partition.DueOf(sku);
            await foreach (var entry in redis.Database.SortedSetScanAsync(page, pageSize: AuditBudget).OrFailedAsync())
            {
                yield return ReservationKey.Parse((string)entry.Element!);
            }

            if (last.Length == 0) yield break;
            end = (double)last[0];
        }
    }

    /// <summary>Active holds; null for one that is missing or can't be read.</summary>
    public Task<ActiveHold?[]> ReadHoldsAsync(Partition partition, IEnumerable<Guid> ids) => Task.WhenAll(
        ids.Select(ReservationKey.Of).Select(async id =>
            HoldText.Parse(await redis.Database.HashGetAsync(partition.HoldsOf(id), id).OrFailedAsync())));

    /// <summary>Ids of confirming holds, the oldest leases first.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="count">Maximum number.</param>
    public async Task<IReadOnlyList<Guid>> ReadLeasesAsync(Partition partition, int count) =>
        [.. (await redis.Database.SortedSetRangeByRankAsync(partition.Leases, 0, count - 1).OrFailedAsync())
            .Select(id => ReservationKey.Parse((string)id!))];

    /// <summary>Every SKU that has counters in Redis, possibly with duplicates.</summary>
    /// <param name="partition">The partition.</param>
    public async IAsyncEnumerable<string> ScanSkusAsync(Partition partition)
    {
        var prefix = (string)partition.Stock("")!;
        var server = await redis.ServerOfAsync(partition.Epoch);
        var scan = server.KeysAsync(redis.Database.Database, prefix + "*", pageSize: 1_000);
        await foreach (var key in scan.OrFailedAsync())
        {
            yield return SkuText.Unescape(((string)key!).AsSpan(prefix.Length));
        }
    }

    private async Task<long> LengthAsync(RedisKey key)
    {
        try
        {
            return await redis.Database.HashLengthAsync(key).OrFailedAsync();
        }
        catch (CorruptDataException)
        {
            return -1;
        }
    }

    private static List<BoughtLook>? ReadBought(Reply reply, int count)
    {
        if ((AuditOutcome)reply.NextInt() == AuditOutcome.Fenced) return null;
        var looks = new List<BoughtLook>(count);
        for (var i = 0; i < count; i++)
        {
            long? units = long.TryParse(reply.Next(), CultureInfo.InvariantCulture, out var bought) ? bought : null;
            var holds = reply.Next().ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
            var ids = holds.Where(id => ReservationKey.IsKey(id)).Select(id => ReservationKey.Parse(id));
            looks.Add(new(units, [.. ids]));
        }

        return looks;
    }

    private static List<WrongUnits>? ReadUnits(Reply reply)
    {
        if ((AuditOutcome)reply.NextInt() == AuditOutcome.Fenced) return null;
        var wrong = new List<WrongUnits>();
        while (reply.HasMore)
        {
            wrong.Add(new(
                reply.Next().ToString(), reply.Next().ToString(), reply.Next().ToString(), reply.NextSku(),
                reply.Next().ToString()));
        }

        return wrong;
    }

    private static StockLooks? ReadStock(Reply reply, IReadOnlyList<string> skus)
    {
        if ((AuditOutcome)reply.NextInt() == AuditOutcome.Fenced) return null;
        _ = reply.NextTime();
        var last = reply.Next().ToString();
        var leases = reply.Next().ToString();
        var looks = new List<StockLook>(skus.Count);
        while (reply.HasMore)
        {
            looks.Add(new()
            {
                Sku = skus[looks.Count],
                State = (LookState)reply.NextInt(),
                Total = reply.NextLong(),
                Reserved = reply.NextLong(),
                Version = reply.NextLong(),
                MaxPerCustomer = reply.NextInt() is var limit and > 0 ? limit : null,
                Paused = reply.NextInt() == 1,
                Pending = reply.NextLong(),
                Confirming = reply.NextLong(),
                DanglingDeadlines = reply.Next().ToString(),
                DueIsLate = reply.NextInt() == 1,
                Newest = reply.NextTime(),
                Deadlines = reply.NextLong(),
                LimitsVersion = reply.NextLong(),
                Unreadable = reply.Next().ToString(),
            });
        }

        return new(last, leases, looks);
    }

    private static HoldLooks? ReadHolds(Reply reply, IReadOnlyList<Guid> ids)
    {
        if ((AuditOutcome)reply.NextInt() == AuditOutcome.Fenced) return null;
        var at = reply.NextTime();
        var last = reply.Next().ToString();
        var looks = new List<HoldLook>(ids.Count);
        foreach (var id in ids)
        {
            var state = reply.Next()[0];
            var sequence = reply.NextInt();
            var deadline = reply.NextLong();
            var holder = reply.Next().ToString();
            looks.Add(new(
                id, state, sequence, deadline == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(deadline),
                holder.Length == 0 ? null : Holder.Parse(holder), reply.NextLines(), reply.Next().ToString()));
        }

        return new(at, last, looks);
    }
}
