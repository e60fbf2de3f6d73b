using System.Globalization;
using System.Runtime.CompilerServices;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;
using static Inventory.Stock.PartitionedRedis;

namespace Inventory.Stock;

/// <summary>The state in which a fence was closed.</summary>
/// <param name="RunId">The run of the server; empty if the server hides it.</param>
/// <param name="FormerEpoch">
/// The epoch that another run left with this data, if no hold has been changed since; otherwise empty.
/// </param>
public readonly record struct ClosedFence(string RunId, string FormerEpoch);

/// <summary>One SKU as a rebuild writes it.</summary>
/// <param name="Stock">The system of record's level.</param>
/// <param name="Reserved">The sum of its holds, 0 or more; null to keep the value in Redis.</param>
/// <param name="Overwritable">
/// A higher version in Redis that may be overwritten, because the system of record was restored from a backup; 0 for
/// none.
/// </param>
public readonly record struct RebuiltStock(StockLevel Stock, int? Reserved, long Overwritable = 0);

/// <summary>The result of loading SKUs.</summary>
/// <param name="Changed">Number of SKUs with a different total or version.</param>
/// <param name="Corrected">Number of SKUs with a different count of reserved units.</param>
/// <param name="Newer">SKUs with a higher version in Redis, and that version.</param>
/// <param name="Reserved">The reserved units of the last SKU, as text.</param>
public sealed record LoadedStock(
    int Changed, int Corrected, IReadOnlyList<(string Sku, long Version)> Newer, string Reserved);

/// <summary>The result of loading holds.</summary>
/// <param name="Restored">Number of restored holds.</param>
/// <param name="There">Number of holds that existed, or have already ended in Redis.</param>
/// <param name="Unknown">Number of holds of SKUs that Redis doesn't have.</param>
public readonly record struct LoadedHolds(int Restored, int There, int Unknown);

/// <summary>One partition's part of a hold in Redis.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Hold">The hold.</param>
public sealed record HeldPart(Guid ReservationId, ActiveHold Hold);

/// <summary>A value among the holds that the scripts have not written.</summary>
/// <param name="Bucket">The key.</param>
/// <param name="Field">The hash field; null if the key itself has another type.</param>
public readonly record struct CorruptHold(RedisKey Bucket, RedisValue Field)
{
    /// <summary>The reservation, if the field names one.</summary>
    public Guid? ReservationId => (string?)Field is { } name && ReservationKey.IsKey(name)
        ? ReservationKey.Parse(name)
        : null;

    /// <summary>The value as <see cref="Maintenance.DropStraysAsync"/> removes it.</summary>
    public Stray Stray => new("holds", ((string)Bucket!)[^2..], (string?)Field ?? "");

    /// <summary>The reservation, if the field names one; otherwise the key.</summary>
    public override string ToString() => ReservationId is { } id
        ? id.ToString()
        : Field.IsNull ? $"{Bucket}" : $"a field of {Bucket}";
}

/// <summary>A page of a partition's holds.</summary>
/// <param name="Holds">The readable holds.</param>
/// <param name="Corrupt">The unreadable values.</param>
public sealed record HeldPage(IReadOnlyList<HeldPart> Holds, IReadOnlyList<CorruptHold> Corrupt);

/// <summary>A hold in Redis for which the system of record has a later state.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Sequence">The number of its events.</param>
/// <param name="End">How it ended; <see cref="HoldEnd.NotEnded"/> when it has to be loaded again.</param>
public readonly record struct OutdatedHold(Guid ReservationId, int Sequence, HoldEnd End);

/// <summary>How a hold ended, by the system of record.</summary>
public enum HoldEnd
{
    /// <summary>It is pending, with later events than Redis has.</summary>
    NotEnded,

    /// <summary>Its holder released it.</summary>
    Released,

    /// <summary>Its deadline passed.</summary>
    Expired,

    /// <summary>It is an order, and the confirmed event is stored.</summary>
    Confirmed,

    /// <summary>It is an order, and no confirmed event is stored.</summary>
    Ordered,
}

/// <summary>What the scripts of a rebuild work on: a partition behind its fence, or one SKU behind its own.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Sku">The SKU that is repaired; null for the whole partition.</param>
/// <param name="Token">The token of the SKU's fence.</param>
public readonly record struct RebuildScope(Partition Partition, string? Sku = null, string? Token = null)
{
    /// <summary>The whole partition.</summary>
    public static implicit operator RebuildScope(Partition partition) => new(partition);
}

/// <summary>The state in which a SKU was closed.</summary>
/// <param name="Scope">What its repair works on.</param>
/// <param name="MayReopen">Whether it may be opened as it was: it could be read, and no repair has begun.</param>
/// <param name="Total">The total, as text; - without a readable one.</param>
/// <param name="Reserved">The counter of reserved units, as text; - without a readable one.</param>
public sealed record ClosedSku(RebuildScope Scope, bool MayReopen, string Total, string Reserved);

/// <summary>Something that belongs to no hold.</summary>
/// <param name="Kind">leases, holds or units: where it is.</param>
/// <param name="Bucket">Its bucket; empty for a lease.</param>
/// <param name="Field">Its id or field; empty when the bucket's key has another type.</param>
public readonly record struct Stray(string Kind, string Bucket, string Field);

/// <summary>Another repair of the SKU, or a rebuild of its partition, has taken over.</summary>
public sealed class SkuFenceLostException() : Exception("Another repair or rebuild has taken over the SKU.");

/// <summary>
/// Operations of the reconciliation worker on Redis: it fences a partition or one SKU, and rebuilds it.
/// </summary>
/// <remarks>
/// A fenced partition sells nothing: its data is being verified, or is missing. The caller that opens a fence has
/// closed it before, and the server and its data have not been replaced in between.
/// <para>The repair of one SKU is the rebuild of a partition restricted to that SKU: the same scripts work behind the
/// fence of the SKU, while the other SKUs of the partition are sold.</para>
/// <para>A rebuild works behind the fence and in batches, because one call for each of a hundred thousand holds would
/// cost as many round trips.</para>
/// </remarks>
public sealed class Maintenance
{
    private readonly PartitionedRedis redis;

    internal Maintenance(PartitionedRedis redis) => this.redis = redis;

    /// <summary>All partitions.</summary>
    public IReadOnlyList<Partition> Partitions => redis.Partitions;

    /// <summary>The partition of a SKU's stock.</summary>
    public Partition PartitionOf(string sku) => redis.PartitionOf(sku);

    /// <summary>
    /// Verifies the server of one partition. If this run of the server was not opened, the call fences the partition,
    /// whatever its data says.
    /// </summary>
    public Task<RunLook> VerifyOrFenceAsync(Partition partition) => redis.Guard.VerifyOrFenceAsync(partition.Epoch);

    /// <summary>Closes a partition's fence: it stops selling.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="token">The fencing token: a unique name for the rebuild that begins.</param>
    public async Task<ClosedFence> CloseFenceAsync(Partition partition, string token)
    {
        var reply = new Reply(await Script.CloseFence.RunAsync(
            redis.Database, [partition.Epoch, partition.Rebuild, partition.Former], [token]));
        _ = (CloseOutcome)reply.NextInt();
        return new(reply.Next().ToString(), reply.Next().ToString());
    }

    /// <summary>
    /// The shared keys of a partition that a manual change has left with another type. While there is one, scripts
    /// fail, whatever the SKU.
    /// </summary>
    public async Task<IReadOnlyList<RedisKey>> FindMistypedAsync(Partition partition)
    {
        var shared = partition.Shared;
        var types = await Task.WhenAll(shared.Select(one => redis.Database.KeyTypeAsync(one.Key))).OrFailedAsync();
        return
        [
            .. shared.Zip(types, (one, type) => (one.Key, IsRight: type == RedisType.None || type == one.Type))
                .Where(one => !one.IsRight).Select(one => one.Key),
        ];
    }

    /// <summary>
    /// Deletes the keys that <see cref="FindMistypedAsync"/> finds, and with them the former epoch: it doesn't vouch
    /// for data that lacks a key.
    /// </summary>
    /// <param name="partition">The partition.</param>
    /// <param name="token">The token of the rebuild, as for <see cref="CloseFenceAsync"/>.</param>
    /// <returns>The deleted keys; null when another rebuild has taken over, or the data was replaced.</returns>
    public async Task<IReadOnlyList<RedisKey>?> DropMistypedAsync(Partition partition, string token)
    {
        var mistyped = await FindMistypedAsync(partition);
        if (mistyped.Count == 0) return mistyped;
        return await DeleteBehindFenceAsync(partition, token, [.. mistyped, partition.Former]) ? mistyped : null;
    }

    private async Task<bool> DeleteBehindFenceAsync(Partition partition, string token, params RedisKey[] keys)
    {
        var transaction = redis.Database.CreateTransaction();
        transaction.AddCondition(Condition.StringEqual(partition.Rebuild, token));
        var deleting = transaction.KeyDeleteAsync(keys);
        if (!await transaction.ExecuteAsync().OrFailedAsync()) return false;
        await deleting.OrFailedAsync();
        return true;
    }

    /// <summary>The server's clock.</summary>
    public Task<DateTimeOffset> NowAsync() => redis.NowAsync();

    /// <summary>
    /// Deletes the former epoch. Call it before the data that the former epoch vouches for is changed.
    /// </summary>
    public Task ForgetFormerAsync(Partition partition) =>
        redis.Database.KeyDeleteAsync(partition.Former).OrFailedAsync();

    /// <summary>Opens a partition's fence: it sells again, by the data in Redis.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="token">As for <see cref="CloseFenceAsync"/>.</param>
    /// <param name="runId">The run that <see cref="CloseFenceAsync"/> returned.</param>
    /// <param name="number">The epoch's number in the system of record, higher than any before.</param>
    /// <param name="expiryWaits">Whether due holds must not expire before the first heartbeat.</param>
    public async Task<OpenOutcome> OpenFenceAsync(
        Partition partition, string token, string runId, long number, bool expiryWaits)
    {
        var reply = new Reply(await Script.OpenFence.RunAsync(
            redis.Database,
            [partition.Epoch, partition.Rebuild, partition.Heartbeat, partition.Waiting, partition.Former],
            [token, runId, number, expiryWaits ? 1 : 0]));
        return (OpenOutcome)reply.NextInt();
    }

    /// <summary>Opens every fenced partition without a check. Only for a Redis without a system of record.</summary>
    /// <returns>Whether any partition was fenced.</returns>
    public async Task<bool> LiftFenceAsync()
    {
        var lifted = false;
        foreach (var partition in redis.Partitions)
        {
            if ((await VerifyOrFenceAsync(partition)).Outcome == VerifyOutcome.Verified) continue;
            var token = Guid.NewGuid().ToString("N");
            var run = (await CloseFenceAsync(partition, token)).RunId;
            var number = (await redis.NowAsync()).ToUnixTimeMilliseconds();
            lifted |= await OpenFenceAsync(partition, token, run, number, expiryWaits: false) == OpenOutcome.Opened;
        }

        return lifted;
    }

    /// <summary>Whether any partition is fenced. Fences a partition when its server was replaced.</summary>
    public async Task<bool> IsFencedAsync()
    {
        foreach (var partition in redis.Partitions)
        {
            if ((await VerifyOrFenceAsync(partition)).Outcome != VerifyOutcome.Verified) return true;
        }

        return false;
    }

    /// <summary>Buckets read in parallel: some 25 holds each in a shop of 100,000.</summary>
    private const int BucketsAtOnce = 64;

    /// <summary>The last id that a partition's stream has assigned; null without a stream.</summary>
    public async Task<string?> ReadLastEventIdAsync(Partition partition)
    {
        try
        {
            return (await redis.Database.StreamInfoAsync(partition.Events).OrFailedAsync()).LastGeneratedId;
        }
        catch (StoreRejectedException e) when (e.Message.Contains("no such key", StringComparison.Ordinal))
        {
            return null;
        }
    }

    /// <summary>Whether a partition's stream still has an event.</summary>
    public async Task<bool> HasEventAsync(Partition partition, string id) =>
        (await redis.Database.StreamRangeAsync(partition.Events, id, id).OrFailedAsync()).Length > 0;

    /// <summary>The newest event about a reservation since an id.</summary>
    /// <param name="partition">The partition of the stream.</param>
    /// <param name="from">The oldest id to read, included; null for the whole stream.</param>
    /// <returns>Null if all events since then are about stock, or there are none.</returns>
    public async Task<string?> ReadNewestHoldEventAsync(Partition partition, string? from)
    {
        const int Page = 1_000;
        var before = "+";
        while (true)
        {
            var page = await redis.Database.StreamRangeAsync(
                partition.Events, minId: from ?? "-", maxId: before, count: Page, messageOrder: Order.Descending)
                .OrFailedAsync();
            foreach (var entry in page)
            {
                if (entry.Values.Any(field => field.Name == "reservation" && !field.Value.IsNullOrEmpty))
                {
                    return entry.Id;
                }
            }

            if (page.Length < Page) return null;
            before = $"({page[^1].Id}";
        }
    }

    /// <summary>Whether a rebuild has begun and not finished.</summary>
    public Task<bool> IsRebuildUnfinishedAsync(Partition partition) =>
        redis.Database.KeyExistsAsync(partition.Rebuild).OrFailedAsync();

    /// <summary>
    /// Deletes a partition's stream. The next one begins with ids of the server's clock. Call it when every event is
    /// stored. It has no effect when another rebuild has taken over, or the data was replaced.
    /// </summary>
    /// <param name="partition">The partition.</param>
    /// <param name="token">The token of the rebuild, as for <see cref="CloseFenceAsync"/>.</param>
    public Task DropEventsAsync(Partition partition, string token) =>
        DeleteBehindFenceAsync(partition, token, partition.Events);

    /// <summary>Makes new events get ids after a stored id, if the stream's last id is older.</summary>
    public async Task<AdvanceOutcome> AdvanceStreamAsync(Partition partition, string storedId)
    {
        var parts = storedId.Split('-');
        return (AdvanceOutcome)new Reply(await Script.AdvanceStream.RunAsync(
            redis.Database, [partition.Events], [parts[0], parts[1]])).NextInt();
    }

    /// <summary>
    /// Reads every hold of a partition, several buckets at a time. Complete only while the partition is fenced.
    /// </summary>
    public async IAsyncEnumerable<HeldPage> ReadHoldsAsync(
        Partition partition, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var buckets in partition.HoldBuckets().Chunk(BucketsAtOnce))
        {
            cancellation.ThrowIfCancellationRequested();
            var pages = await Task.WhenAll(buckets.Select(bucket => ReadBucketAsync(partition, bucket)));
            var page = new HeldPage(
                [.. pages.SelectMany(one => one.Holds)], [.. pages.SelectMany(one => one.Corrupt)]);
            if (page.Holds.Count + page.Corrupt.Count > 0) yield return page;
        }
    }

    /// <summary>Removes what belongs to no hold. What does belong to one at that moment stays.</summary>
    /// <returns>The number of removed entries.</returns>
    public async Task<int> DropStraysAsync(Partition partition, IEnumerable<Stray> strays)
    {
        var removed = 0;
        foreach (var batch in strays.Chunk(AuditReader.AuditBudget))
        {
            var reply = new Reply(await Script.DropStrays.RunAsync(
                redis.Database,
                [partition.Epoch, partition.Events, partition.Due],
                [
                    Trace, redis.EndedRetention,
                    .. batch.SelectMany(one => new RedisValue[] { one.Kind, one.Bucket, one.Field }),
                ]));
            _ = (StrayOutcome)reply.NextInt();
            removed += reply.NextInt();
        }

        return removed;
    }

    /// <summary>Closes a SKU for its repair; null while its partition is fenced.</summary>
    /// <param name="sku">The SKU. If a repair that has died left it closed, this one takes it over.</param>
    public async Task<ClosedSku?> CloseSkuAsync(string sku)
    {
        var scope = new RebuildScope(redis.PartitionOf(sku), sku, Guid.NewGuid().ToString("N"));
        return Read(scope, new(await RunFenceSkuAsync(scope, "close")));

        static ClosedSku? Read(RebuildScope scope, Reply reply) =>
            (FenceSkuOutcome)reply.NextInt() == FenceSkuOutcome.Closed
                ? new(scope, reply.NextInt() == 1, reply.Next().ToString(), reply.Next().ToString())
                : null;
    }

    /// <summary>Opens a SKU as it was, because its repair can't begin.</summary>
    public async Task<FenceSkuOutcome> ReopenSkuAsync(RebuildScope scope) =>
        (FenceSkuOutcome)new Reply(await RunFenceSkuAsync(scope, "open")).NextInt();

    /// <summary>Removes a SKU that the system of record doesn't know, or pauses and opens it if it has holds.</summary>
    public async Task<FenceSkuOutcome> RetireSkuAsync(RebuildScope scope) =>
        (FenceSkuOutcome)new Reply(await RunFenceSkuAsync(scope, "retire")).NextInt();

    /// <summary>SKUs of a partition that are closed for a repair.</summary>
    public async Task<IReadOnlyList<string>> ReadFencedSkusAsync(Partition partition) =>
    [
        .. (await redis.Database.SetMembersAsync(partition.Fences).OrFailedAsync())
            .Select(sku => SkuText.Unescape((string)sku!)),
    ];

    /// <summary>
    /// Forgets a closed SKU's deadlines and counter. <see cref="LoadHoldsAsync"/> writes them again.
    /// </summary>
    public async Task ClearSkuAsync(RebuildScope scope) =>
        _ = AfterOutcome(await Script.ClearSku.RunAsync(redis, scope, []));

    /// <summary>Sets SKUs of one partition to their right values, and opens them.</summary>
    public async Task<LoadedStock> LoadStockAsync(RebuildScope scope, IReadOnlyList<RebuiltStock> page)
    {
        var result = await Script.LoadStock.RunAsync(redis, scope, page.SelectMany(one => new RedisValue[]
        {
            Stored(one.Stock.Sku), one.Stock.Total, one.Stock.Version, one.Stock.MaxPerCustomer ?? 0,
            one.Stock.Paused ? 1 : 0, one.Reserved ?? RedisValue.EmptyString, one.Overwritable,
        }));
        return ReadLoaded(result);

        static LoadedStock ReadLoaded(RedisResult result)
        {
            var reply = AfterOutcome(result);
            var (changed, corrected) = (reply.NextInt(), reply.NextInt());
            var newer = reply.Next().ToString().Split(',', StringSplitOptions.RemoveEmptyEntries).Select(one =>
            {
                var colon = one.LastIndexOf(':');
                var version = long.Parse(one.AsSpan(colon + 1), CultureInfo.InvariantCulture);
                return (SkuText.Unescape(one.AsSpan(0, colon)), version);
            });
            return new(changed, corrected, [.. newer], reply.Next().ToString());
        }
    }

    /// <summary>
    /// Makes holds complete, one partition's part of each: restores those that Redis lacks, with their deadlines and
    /// sequences, and writes what the others lack of deadlines, leases and customers' units.
    /// </summary>
    public async Task<LoadedHolds> LoadHoldsAsync(RebuildScope scope, IReadOnlyList<HoldRecord> page)
    {
        var reply = AfterOutcome(await Script.LoadHolds.RunAsync(redis, scope, page.SelectMany(hold => new RedisValue[]
        {
            ReservationKey.Of(hold.Reservation.Id), hold.Sequence, hold.CreatedAt.ToUnixTimeMilliseconds(),
            hold.Reservation.ExpiresAt.ToUnixTimeMilliseconds(), hold.Reservation.Holder.Text,
            LinesText.Write(hold.Reservation.Lines),
        })));
        return new(reply.NextInt(), reply.NextInt(), reply.NextInt());
    }

    /// <summary>Removes holds for which the system of record has a later state.</summary>
    /// <returns>The number of removed holds.</returns>
    public async Task<int> DropHoldsAsync(RebuildScope scope, IReadOnlyList<OutdatedHold> page) =>
        AfterOutcome(await Script.DropHolds.RunAsync(redis, scope, page.SelectMany(hold => new RedisValue[]
        {
            ReservationKey.Of(hold.ReservationId), hold.Sequence, Letter(hold.End),
        }))).NextInt();

    /// <summary>Sets the units that owners have bought of SKUs of one partition.</summary>
    /// <returns>How many of the counts were different.</returns>
    public async Task<int> LoadUnitsAsync(
        RebuildScope scope, IReadOnlyList<(string Owner, string Sku, long Units)> page) =>
        AfterOutcome(await Script.LoadUnits.RunAsync(redis, scope, page.SelectMany(one => new RedisValue[]
        {
            one.Owner, Stored(one.Sku), one.Units,
        }))).NextInt();

    /// <summary>Tells Redis that every payment received up to some moment has been settled.</summary>
    /// <param name="partition">The partition. Its due holds may expire.</param>
    /// <param name="look">The state of the partition before the payments were read.</param>
    public async Task<BeatOutcome> BeatAsync(Partition partition, RunLook look) =>
        (BeatOutcome)new Reply(await Script.Beat.RunAsync(
            redis.Database,
            [partition.Epoch, partition.Heartbeat, partition.Waiting],
            [look.Epoch, look.At.ToUnixTimeMilliseconds()])).NextInt();

    private Task<RedisResult> RunFenceSkuAsync(RebuildScope scope, string action) => Script.FenceSku.RunAsync(
        redis.Guard, [scope.Partition.Epoch, scope.Partition.Events, scope.Partition.Due],
        [Trace, redis.EndedRetention, Stored(scope.Sku!), scope.Token, action]);

    /// <exception cref="SkuFenceLostException">The repair has lost its fence.</exception>
    private static Reply AfterOutcome(RedisResult result)
    {
        var reply = new Reply(result);
        return reply.NextInt() == (int)LoadOutcome.Loaded ? reply : throw new SkuFenceLostException();
    }

    private async Task<HeldPage> ReadBucketAsync(Partition partition, RedisKey bucket)
    {
        HashEntry[] entries;
        try
        {
            entries = await redis.Database.HashGetAllAsync(bucket).OrFailedAsync();
        }
        catch (CorruptDataException)
        {
            return new([], [new(bucket, RedisValue.Null)]);
        }

        var (holds, corrupt) = (new List<HeldPart>(entries.Length), new List<CorruptHold>());
        foreach (var entry in entries)
        {
            if (ReadHeld(partition, bucket, entry) is { } held) holds.Add(held);
            else corrupt.Add(new(bucket, entry.Name));
        }

        return new(holds, corrupt);
    }

    /// <returns>
    /// Null for a value that the scripts have not written, or that is in a bucket where they never read it.
    /// </returns>
    private static HeldPart? ReadHeld(Partition partition, RedisKey bucket, HashEntry entry)
    {
        var name = (string)entry.Name!;
        if (!ReservationKey.IsKey(name) || partition.HoldsOf(name) != bucket) return null;
        if (HoldText.Parse(entry.Value) is not { } hold) return null;
        return new(ReservationKey.Parse(name), hold);
    }

    private static string Letter(HoldEnd end) => end switch
    {
        HoldEnd.NotEnded => "p",
        HoldEnd.Released => "r",
        HoldEnd.Expired => "e",
        HoldEnd.Confirmed => "f",
        HoldEnd.Ordered => "o",
        _ => throw new ArgumentOutOfRangeException(nameof(end)),
    };
}
