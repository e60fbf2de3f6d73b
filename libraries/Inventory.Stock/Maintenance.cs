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
public sealed record LoadedStock(int Changed, int Corrected, IReadOnlyList<(string Sku, long Version)> Newer);

/// <summary>The result of loading holds.</summary>
/// <param name="Restored">Number of restored holds.</param>
/// <param name="There">Number of holds that existed, or have already ended in Redis.</param>
/// <param name="Unknown">Number of holds of SKUs that Redis doesn't have.</param>
/// <param name="Unreadable">
/// Number of holds that could not be restored because their keys hold unreadable data; their units are reserved.
/// </param>
public readonly record struct LoadedHolds(int Restored, int There, int Unknown, int Unreadable);

/// <summary>One partition's part of a hold in Redis.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Confirming">Whether it is pinned.</param>
/// <param name="Sequence">The number of its events.</param>
/// <param name="Lines">The lines.</param>
public sealed record HeldPart(Guid ReservationId, bool Confirming, int Sequence, IReadOnlyList<Line> Lines);

/// <summary>A value among the holds that the scripts have not written.</summary>
/// <param name="Bucket">The key.</param>
/// <param name="Field">The hash field; null if the key itself has another type.</param>
public readonly record struct CorruptHold(RedisKey Bucket, RedisValue Field)
{
    /// <summary>The reservation, if the field names one; otherwise the key.</summary>
    public override string ToString() => (string?)Field is { } name && ReservationKey.IsKey(name)
        ? ReservationKey.Parse(name).ToString()
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

/// <summary>The lock under which one SKU is repaired. It expires.</summary>
/// <param name="Partition">The SKU's partition.</param>
/// <param name="Sku">The SKU; empty for data of an unknown SKU.</param>
/// <param name="Token">The token that identifies the lock's owner.</param>
public sealed record RepairLock(Partition Partition, string Sku, string Token);

/// <summary>
/// Operations of the reconciliation worker on Redis: it fences a partition, rebuilds it and repairs single SKUs.
/// </summary>
/// <remarks>
/// A fenced partition sells nothing: its data is being verified, or is missing. The caller that opens a fence has
/// closed it before, and the server and its data have not been replaced in between.
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

    /// <summary>Whether any partition is fenced. Fences a partition whose server was replaced.</summary>
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

    /// <summary>Removes unreadable values from buckets and leases. Counters and customers' entries stay.</summary>
    public async Task RemoveCorruptAsync(Partition partition, IReadOnlyList<CorruptHold> corrupt)
    {
        foreach (var batch in corrupt.Chunk(BucketsAtOnce))
        {
            await Task.WhenAll(batch.Select(async one =>
            {
                if (one.Field.IsNull)
                {
                    await redis.Database.KeyDeleteAsync(one.Bucket).OrFailedAsync();
                    return;
                }

                await redis.Database.HashDeleteAsync(one.Bucket, one.Field).OrFailedAsync();
                await redis.Database.SortedSetRemoveAsync(partition.Leases, one.Field).OrFailedAsync();
            }));
        }
    }

    /// <summary>Sets SKUs of one partition to their right values.</summary>
    public async Task<LoadedStock> LoadStockAsync(Partition partition, IReadOnlyList<RebuiltStock> page)
    {
        var result = await Script.LoadStock.RunAsync(
            redis.Database,
            [partition.Events, .. page.Select(one => partition.Stock(one.Stock.Sku))],
            [Trace, .. page.SelectMany(one => new RedisValue[]
            {
                one.Stock.Sku, one.Stock.Total, one.Stock.Version, one.Stock.MaxPerCustomer ?? 0,
                one.Stock.Paused ? 1 : 0, one.Reserved ?? RedisValue.EmptyString, one.Overwritable,
            })]);
        var reply = new Reply(result);
        _ = (LoadOutcome)reply.NextInt();
        var (changed, corrected) = (reply.NextInt(), reply.NextInt());
        var newer = reply.Next().ToString().Split(',', StringSplitOptions.RemoveEmptyEntries).Select(one =>
        {
            var colon = one.LastIndexOf(':');
            return (one[..colon], long.Parse(one.AsSpan(colon + 1), CultureInfo.InvariantCulture));
        });
        return new(changed, corrected, [.. newer]);
    }

    /// <summary>Restores holds, one partition's part of each, with their deadlines and sequences.</summary>
    public async Task<LoadedHolds> LoadHoldsAsync(Partition partition, IReadOnlyList<HoldRecord> page)
    {
        var reply = new Reply(await Script.LoadHolds.RunAsync(
            redis.Database,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, redis.EndedRetention, .. page.SelectMany(hold => new RedisValue[]
            {
                ReservationKey.Of(hold.Reservation.Id), hold.Sequence, hold.CreatedAt.ToUnixTimeMilliseconds(),
                hold.Reservation.ExpiresAt.ToUnixTimeMilliseconds(), hold.Reservation.Holder.Text,
                string.Join(',', hold.Reservation.Lines.Select(line =>
                    string.Create(CultureInfo.InvariantCulture, $"{line.Sku}:{line.Quantity}"))),
            })]));
        _ = (LoadOutcome)reply.NextInt();
        return new(reply.NextInt(), reply.NextInt(), reply.NextInt(), reply.NextInt());
    }

    /// <summary>Removes holds for which the system of record has a later state.</summary>
    /// <returns>The number of removed holds.</returns>
    public async Task<int> DropHoldsAsync(Partition partition, IReadOnlyList<OutdatedHold> page)
    {
        var reply = new Reply(await Script.DropHolds.RunAsync(
            redis.Database,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, redis.EndedRetention, .. page.SelectMany(hold => new RedisValue[]
            {
                ReservationKey.Of(hold.ReservationId), hold.Sequence, Letter(hold.End),
            })]));
        _ = (LoadOutcome)reply.NextInt();
        return reply.NextInt();
    }

    /// <summary>Sets the units that owners have bought of SKUs of one partition.</summary>
    /// <returns>How many of the counts were different.</returns>
    public async Task<int> LoadUnitsAsync(
        Partition partition, IReadOnlyList<(string Owner, string Sku, long Units)> page)
    {
        var reply = new Reply(await Script.LoadUnits.RunAsync(
            redis.Database,
            [partition.Epoch, partition.Events, partition.Due],
            [
                Trace, redis.EndedRetention,
                .. page.SelectMany(one => new RedisValue[] { one.Owner, one.Sku, one.Units }),
            ]));
        _ = (LoadOutcome)reply.NextInt();
        return reply.NextInt();
    }

    /// <summary>Tells Redis that every payment received up to some moment has been settled.</summary>
    /// <param name="partition">The partition whose due holds may expire.</param>
    /// <param name="look">The state of the partition before the payments were read.</param>
    public async Task<BeatOutcome> BeatAsync(Partition partition, RunLook look) =>
        (BeatOutcome)new Reply(await Script.Beat.RunAsync(
            redis.Database,
            [partition.Epoch, partition.Heartbeat, partition.Waiting],
            [look.Epoch, look.At.ToUnixTimeMilliseconds()])).NextInt();

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
        return new(ReservationKey.Parse(name), hold.Confirming, hold.Sequence, hold.Lines);
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

    /// <summary>Takes the lock for repairing a SKU; null if another process has it.</summary>
    /// <param name="partition">The SKU's partition.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="expiry">The time after which another process may take it: far longer than a repair needs.</param>
    public async Task<RepairLock?> TryLockRepairAsync(Partition partition, string sku, TimeSpan expiry)
    {
        var owned = new RepairLock(partition, sku, Guid.NewGuid().ToString("N"));
        return await redis.Database.StringSetAsync(partition.RepairOf(sku), owned.Token, expiry, When.NotExists)
            .OrFailedAsync()
            ? owned
            : null;
    }

    /// <summary>Releases the lock.</summary>
    public async Task<UnlockOutcome> UnlockRepairAsync(RepairLock owned)
    {
        var result = await Script.UnlockRepair.RunAsync(
            redis.Database, [owned.Partition.RepairOf(owned.Sku)], [owned.Token]);
        return (UnlockOutcome)new Reply(result).NextInt();
    }

    /// <summary>Corrects a SKU's counter and indices by its holds.</summary>
    /// <param name="owned">The lock.</param>
    /// <param name="mayFree">
    /// Whether units may become available, because it is proven that no other hold of the SKU exists.
    /// </param>
    /// <param name="correction">
    /// For a SKU with more holds than one step may count: what to add to the counter; otherwise 0.
    /// </param>
    /// <returns>The outcome, and the counter before and after.</returns>
    public async Task<(RepairReservedOutcome Outcome, long Before, long After)> RepairReservedAsync(
        RepairLock owned, bool mayFree, long correction)
    {
        var result = await Script.RepairReserved.RunAsync(
            redis.Guard, RepairKeys(owned),
            [
                Trace, redis.EndedRetention, owned.Token, owned.Sku, AuditReader.AuditBudget, mayFree ? 1 : 0,
                correction,
            ]);
        return Read(new(result));

        static (RepairReservedOutcome, long, long) Read(Reply reply)
        {
            var outcome = (RepairReservedOutcome)reply.NextInt();
            return reply.HasMore ? (outcome, reply.NextLong(), reply.NextLong()) : (outcome, 0, 0);
        }
    }

    /// <summary>
    /// Sets a SKU's values to those of the system of record. Call it only while the SKU's row is locked there, so that
    /// Redis can't have anything newer.
    /// </summary>
    public async Task<RepairTotalOutcome> RepairTotalAsync(RepairLock owned, StockLevel stock)
    {
        var result = await Script.RepairTotal.RunAsync(
            redis.Guard, RepairKeys(owned),
            [
                Trace, redis.EndedRetention, owned.Token, owned.Sku, AuditReader.AuditBudget,
                stock.Total, stock.Version, stock.MaxPerCustomer ?? 0, stock.Paused ? 1 : 0,
            ]);
        return (RepairTotalOutcome)new Reply(result).NextInt();
    }

    /// <summary>Restores a hold's missing index entries.</summary>
    /// <param name="owned">The lock of one of its SKUs.</param>
    /// <param name="id">The reservation.</param>
    /// <param name="deadline">The deadline by the system of record, in case Redis has lost it.</param>
    public async Task<RepairHoldOutcome> RepairHoldAsync(RepairLock owned, Guid id, DateTimeOffset? deadline)
    {
        var result = await Script.RepairHold.RunAsync(
            redis.Guard, RepairKeys(owned),
            [
                Trace, redis.EndedRetention, owned.Token, ReservationKey.Of(id),
                deadline?.ToUnixTimeMilliseconds() ?? 0,
            ]);
        return (RepairHoldOutcome)new Reply(result).NextInt();
    }

    /// <summary>Restores a hold that Redis has lost, with its old deadline, and counts its units once.</summary>
    /// <param name="owned">The lock of one of its SKUs.</param>
    /// <param name="hold">One partition's part of the hold, by the system of record.</param>
    public async Task<RepairLostOutcome> RepairLostAsync(RepairLock owned, HoldRecord hold)
    {
        var result = await Script.RepairLost.RunAsync(
            redis.Guard, RepairKeys(owned),
            [
                Trace, redis.EndedRetention, owned.Token, ReservationKey.Of(hold.Reservation.Id),
                AuditReader.AuditBudget, hold.Sequence, hold.CreatedAt.ToUnixTimeMilliseconds(),
                hold.Reservation.ExpiresAt.ToUnixTimeMilliseconds(),
                hold.Reservation.Holder.Text,
                .. hold.Reservation.Lines.SelectMany(line => new RedisValue[] { line.Sku, line.Quantity }),
            ]);
        return (RepairLostOutcome)new Reply(result).NextInt();
    }

    /// <summary>Sets the units that an owner has bought of a SKU to the sum of the orders.</summary>
    /// <param name="owned">The SKU's lock.</param>
    /// <param name="owner">The owner of the limit.</param>
    /// <param name="seen">The wrong count.</param>
    /// <param name="right">The right count.</param>
    public async Task<RepairBoughtOutcome> RepairBoughtAsync(RepairLock owned, Holder owner, long seen, long right)
    {
        var result = await Script.RepairBought.RunAsync(
            redis.Guard, RepairKeys(owned),
            [Trace, redis.EndedRetention, owned.Token, owner.Text, owned.Sku, seen, right]);
        return (RepairBoughtOutcome)new Reply(result).NextInt();
    }

    /// <summary>Removes or pauses a SKU that the system of record doesn't know.</summary>
    public async Task<RetireOutcome> RetireStockAsync(RepairLock owned)
    {
        var result = await Script.RetireStock.RunAsync(
            redis.Guard, RepairKeys(owned),
            [Trace, redis.EndedRetention, owned.Token, owned.Sku, AuditReader.AuditBudget]);
        return (RetireOutcome)new Reply(result).NextInt();
    }

    /// <summary>Removes from customers' entries the reservations that don't hold the SKU.</summary>
    /// <returns>What was removed; null when the caller does not hold the lock, or the partition is fenced.</returns>
    public Task<IReadOnlyList<WrongUnits>?> RepairUnitsAsync(
        RepairLock owned, IReadOnlyList<(string Bucket, string Field)> entries) =>
        AuditReader.UnitsAsync(redis, owned.Partition, entries, owned.Sku, owned.Token);

    private static RedisKey[] RepairKeys(RepairLock owned) =>
    [
        owned.Partition.Epoch, owned.Partition.Events, owned.Partition.Due, owned.Partition.RepairOf(owned.Sku),
    ];
}
