using StackExchange.Redis;

namespace Inventory.Stock;

// What the audit asks. Nothing here changes anything, and null means that the partition is fenced.
public sealed partial class StockEngine
{
    /// <summary>
    /// Most holds that one step of an audit looks at: some two milliseconds in which Redis serves nobody else.
    /// </summary>
    public const int AuditBudget = 300;

    /// <summary>Looks at SKUs of one partition, in order, as far as the budget of one step goes.</summary>
    /// <param name="partition">Which one.</param>
    /// <param name="skus">One or more.</param>
    public async Task<StockLooks?> AuditStockAsync(Partition partition, IReadOnlyList<string> skus)
    {
        var result = await Script.AuditStock.RunAsync(
            guard,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, EndedRetention, AuditBudget, .. skus.Select(sku => (RedisValue)sku)]);
        return ReadStock(new(result), skus);
    }

    /// <summary>Looks at holds of one partition.</summary>
    /// <param name="partition">Which one.</param>
    /// <param name="ids">At most <see cref="AuditBudget"/>.</param>
    public async Task<HoldLooks?> AuditHoldsAsync(Partition partition, IReadOnlyList<Guid> ids)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ids.Count, AuditBudget);
        var result = await Script.AuditHolds.RunAsync(
            guard,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, EndedRetention, .. ids.Select(id => (RedisValue)ReservationKey.Of(id))]);
        return ReadHolds(new(result), ids);
    }

    /// <summary>Looks at customers' entries of one partition.</summary>
    /// <param name="partition">Which one.</param>
    /// <param name="entries">Bucket and field of each.</param>
    /// <returns>Those that list what isn't held.</returns>
    public Task<IReadOnlyList<WrongUnits>?> AuditUnitsAsync(
        Partition partition, IReadOnlyList<(string Bucket, string Field)> entries) =>
        UnitsAsync(partition, entries, "", "");

    /// <summary>Looks at what owners have bought of SKUs of one partition.</summary>
    /// <param name="partition">Which one.</param>
    /// <param name="accounts">At most <see cref="AuditBudget"/>.</param>
    public async Task<IReadOnlyList<BoughtLook>?> AuditBoughtAsync(
        Partition partition, IReadOnlyList<(Holder Owner, string Sku)> accounts)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(accounts.Count, AuditBudget);
        var result = await Script.AuditBought.RunAsync(
            guard,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, EndedRetention, .. accounts.SelectMany(one => new RedisValue[] { one.Owner.Text, one.Sku })]);
        return ReadBought(new(result), accounts.Count);
    }

    /// <summary>Everything in one hash, in pages, while others write to it.</summary>
    /// <param name="key">The hash.</param>
    public IAsyncEnumerable<HashEntry> ScanHashAsync(RedisKey key) =>
        database.HashScanAsync(key, pageSize: AuditBudget).OrFailedAsync();

    /// <summary>How many entries some hashes have, in one round trip.</summary>
    /// <param name="keys">The hashes.</param>
    /// <returns>Of each its length; -1 for a key of another type.</returns>
    public Task<long[]> HashLengthsAsync(IEnumerable<RedisKey> keys) =>
        Task.WhenAll([.. keys.Select(LengthAsync)]);

    /// <summary>Ids of a SKU's pending holds, page by page, while others write to it; some perhaps twice.</summary>
    /// <remarks>From the last page to the first: what is moved from page to page is moved to a later one.</remarks>
    public async IAsyncEnumerable<Guid> ScanDeadlinesAsync(string sku)
    {
        var (partition, end) = (PartitionOf(sku), double.PositiveInfinity);
        while (true)
        {
            var last = await database
                .SortedSetRangeByScoreAsync(
                    partition.PagesOf(sku), stop: end, exclude: Exclude.Stop, order: Order.Descending, take: 1)
                .OrFailedAsync();
            var page = last.Length > 0 ? partition.PageOf(sku, last[0]) : partition.DueOf(sku);
            await foreach (var entry in database.SortedSetScanAsync(page, pageSize: AuditBudget).OrFailedAsync())
            {
                yield return ReservationKey.Parse((string)entry.Element!);
            }

            if (last.Length == 0) yield break;
            end = (double)last[0];
        }
    }

    /// <summary>Holds as they are written, for <see cref="HoldText"/>; null where there is none.</summary>
    public Task<string?[]> ReadHoldTextsAsync(Partition partition, IEnumerable<Guid> ids) => Task.WhenAll(
        ids.Select(ReservationKey.Of).Select(async id =>
            (string?)await database.HashGetAsync(partition.HoldsOf(id), id).OrFailedAsync()));

    /// <summary>Ids of confirming holds, the oldest leases first.</summary>
    /// <param name="partition">Of which partition.</param>
    /// <param name="count">At most so many.</param>
    public async Task<IReadOnlyList<Guid>> ReadLeasesAsync(Partition partition, int count) =>
        [.. (await database.SortedSetRangeByRankAsync(partition.Leases, 0, count - 1).OrFailedAsync())
            .Select(id => ReservationKey.Parse((string)id!))];

    /// <summary>Every SKU that Redis has counters of, some of them perhaps twice.</summary>
    /// <param name="partition">Of which partition.</param>
    public async IAsyncEnumerable<string> ScanSkusAsync(Partition partition)
    {
        var prefix = (string)partition.Stock("")!;
        var server = redis.GetServer(await database.IdentifyEndpointAsync(partition.Epoch).OrFailedAsync()
            ?? throw new RedisConnectionException(
                ConnectionFailureType.UnableToConnect, CommandFlags.None, "Redis is away."));
        var scan = server.KeysAsync(database.Database, prefix + "*", pageSize: 1_000);
        await foreach (var key in scan.OrFailedAsync())
        {
            yield return ((string)key!)[prefix.Length..];
        }
    }

    private async Task<long> LengthAsync(RedisKey key)
    {
        try
        {
            return await database.HashLengthAsync(key).OrFailedAsync();
        }
        catch (RedisServerException e) when (Unreadable.Explain(e) is not null)
        {
            return -1;
        }
    }

    private async Task<IReadOnlyList<WrongUnits>?> UnitsAsync(
        Partition partition, IReadOnlyList<(string Bucket, string Field)> entries, string sku, string token)
    {
        var result = await Script.AuditUnits.RunAsync(
            guard,
            [partition.Epoch, partition.Events, partition.Due, partition.RepairOf(sku)],
            [
                Trace, EndedRetention, token,
                .. entries.SelectMany(entry => new RedisValue[] { entry.Bucket, entry.Field }),
            ]);
        return ReadUnits(new(result));
    }

    private static List<BoughtLook>? ReadBought(Reply reply, int count)
    {
        if ((AuditOutcome)reply.NextInt() == AuditOutcome.Fenced) return null;
        var looks = new List<BoughtLook>(count);
        for (var i = 0; i < count; i++)
        {
            long? units = long.TryParse(reply.Next(), Invariant, out var bought) ? bought : null;
            var holds = reply.Next().ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
            var ids = holds.Where(id => ReservationKey.IsKey(id)).Select(id => ReservationKey.Parse(id));
            looks.Add(new(units, [.. ids]));
        }

        return looks;
    }

    private static List<WrongUnits>? ReadUnits(Reply reply)
    {
        if ((AuditUnitsOutcome)reply.NextInt() < 0) return null;
        var wrong = new List<WrongUnits>();
        while (reply.HasMore)
        {
            wrong.Add(new(
                reply.Next().ToString(), reply.Next().ToString(), reply.Next().ToString(), reply.Next().ToString(),
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
                holder.Length == 0 ? null : Holder.Parse(holder), Reply.Lines(reply.Next()), reply.Next().ToString()));
        }

        return new(at, last, looks);
    }
}
