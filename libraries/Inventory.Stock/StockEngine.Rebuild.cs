using System.Globalization;
using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>One SKU as a rebuild makes it.</summary>
/// <param name="Stock">What the system of record says.</param>
/// <param name="Reserved">The sum of its holds, 0 or more; null: as Redis has it.</param>
/// <param name="Overwritable">A higher version that the system of record has gone back behind; 0 for none.</param>
public readonly record struct RebuiltStock(StockTotal Stock, int? Reserved, long Overwritable = 0);

/// <summary>What loading SKUs came to.</summary>
/// <param name="Changed">SKUs whose total or version was another.</param>
/// <param name="Corrected">SKUs whose count of reserved units was another.</param>
/// <param name="Newer">SKUs that Redis knows in a higher version, and that version.</param>
public sealed record LoadedStock(int Changed, int Corrected, IReadOnlyList<(string Sku, long Version)> Newer);

/// <summary>What loading holds came to.</summary>
/// <param name="Restored">Holds that came back.</param>
/// <param name="There">Holds that were there, or have ended here since.</param>
/// <param name="Unknown">Holds of SKUs that aren't there.</param>
/// <param name="Unreadable">Holds that what stands in their place keeps out; their units are reserved.</param>
public readonly record struct LoadedHolds(int Restored, int There, int Unknown, int Unreadable);

/// <summary>One partition's part of a hold, as Redis has it.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Confirming">Whether it is pinned.</param>
/// <param name="Sequence">Events that it has had.</param>
/// <param name="Lines">What is held.</param>
public sealed record HeldPart(Guid ReservationId, bool Confirming, int Sequence, IReadOnlyList<Line> Lines);

/// <summary>What stands where holds stand, and isn't one as the scripts write it.</summary>
/// <param name="Bucket">The key.</param>
/// <param name="Field">Its place there; null for the key itself, which has another type.</param>
public readonly record struct SpoiltHold(RedisKey Bucket, RedisValue Field)
{
    /// <summary>The reservation, where the place is one's; else the key.</summary>
    public override string ToString() => (string?)Field is { } name && ReservationKey.IsKey(name)
        ? ReservationKey.Parse(name).ToString()
        : Field.IsNull ? $"{Bucket}" : $"a field of {Bucket}";
}

/// <summary>Some of a partition's holds.</summary>
/// <param name="Holds">Those that can be read.</param>
/// <param name="Spoilt">What can't be.</param>
public sealed record HeldPage(IReadOnlyList<HeldPart> Holds, IReadOnlyList<SpoiltHold> Spoilt);

/// <summary>A hold of Redis that the system of record knows better.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Sequence">Events that it has had.</param>
/// <param name="End">How it ended; <see cref="HoldEnd.NotEnded"/> when it is to be loaded anew.</param>
public readonly record struct OutdatedHold(Guid ReservationId, int Sequence, HoldEnd End);

/// <summary>How a hold ended, by what the system of record knows.</summary>
public enum HoldEnd
{
    /// <summary>It is pending, with events that Redis doesn't have.</summary>
    NotEnded,

    /// <summary>Given back by its holder.</summary>
    Released,

    /// <summary>Given back at its deadline.</summary>
    Expired,

    /// <summary>It is an order, and the event of that is stored.</summary>
    Confirmed,

    /// <summary>It is an order, and Redis has not told of it.</summary>
    Ordered,
}

// What a rebuild needs. All of it works behind the fence, in batches: a call for each of a hundred thousand holds would
// take as many round trips of the scripts' own cost again.
public sealed partial class StockEngine
{
    /// <summary>Buckets on their way at once: some 25 holds each in a shop of 100,000.</summary>
    private const int BucketsAtOnce = 64;

    /// <summary>The last id that a partition's stream has given; null without a stream.</summary>
    public async Task<string?> ReadLastEventIdAsync(Partition partition)
    {
        try
        {
            return (await database.StreamInfoAsync(partition.Events)).LastGeneratedId;
        }
        catch (RedisServerException e) when (e.Message.Contains("no such key", StringComparison.Ordinal))
        {
            return null;
        }
    }

    /// <summary>Whether a partition's stream still has an event.</summary>
    public async Task<bool> HasEventAsync(Partition partition, string id) =>
        (await database.StreamRangeAsync(partition.Events, id, id)).Length > 0;

    /// <summary>The newest event about a reservation, as far as there is one from some id on.</summary>
    /// <param name="partition">Whose stream.</param>
    /// <param name="from">The id to look back to, itself included; null for all that is kept.</param>
    /// <returns>Null when all events since are about stock, or there are none.</returns>
    public async Task<string?> ReadNewestHoldEventAsync(Partition partition, string? from)
    {
        const int Page = 1_000;
        var before = "+";
        while (true)
        {
            var page = await database.StreamRangeAsync(
                partition.Events, minId: from ?? "-", maxId: before, count: Page, messageOrder: Order.Descending);
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

    /// <summary>Whether a rebuild was begun and neither finished nor begun anew.</summary>
    public Task<bool> IsRebuildUnfinishedAsync(Partition partition) => database.KeyExistsAsync(partition.Rebuild);

    /// <summary>Lets new events come after an id, when those of the stream don't.</summary>
    public async Task<AdvanceOutcome> AdvanceStreamAsync(Partition partition, string storedId)
    {
        var parts = storedId.Split('-');
        return (AdvanceOutcome)new Reply(await Script.AdvanceStream.RunAsync(
            database, [partition.Events], [parts[0], parts[1]])).NextInt();
    }

    /// <summary>Reads every hold of a partition, a number of buckets at a time. Complete only while fenced.</summary>
    public async IAsyncEnumerable<HeldPage> ReadHoldsAsync(
        Partition partition, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var buckets in partition.HoldBuckets().Chunk(BucketsAtOnce))
        {
            cancellation.ThrowIfCancellationRequested();
            var pages = await Task.WhenAll(buckets.Select(bucket => ReadBucketAsync(partition, bucket)));
            var page = new HeldPage(
                [.. pages.SelectMany(one => one.Holds)], [.. pages.SelectMany(one => one.Spoilt)]);
            if (page.Holds.Count + page.Spoilt.Count > 0) yield return page;
        }
    }

    /// <summary>Removes what can't be read, wherever a reservation's id leads to it, but for what counts it.</summary>
    public async Task DropSpoiltAsync(Partition partition, IReadOnlyList<SpoiltHold> spoilt)
    {
        foreach (var batch in spoilt.Chunk(BucketsAtOnce))
        {
            await Task.WhenAll(batch.Select(async one =>
            {
                if (one.Field.IsNull)
                {
                    await database.KeyDeleteAsync(one.Bucket);
                    return;
                }

                await database.HashDeleteAsync(one.Bucket, one.Field);
                await database.SortedSetRemoveAsync(partition.Leases, one.Field);
            }));
        }
    }

    /// <summary>Makes SKUs of one partition what they should be.</summary>
    public async Task<LoadedStock> LoadStockAsync(Partition partition, IReadOnlyList<RebuiltStock> page)
    {
        var result = await Script.LoadStock.RunAsync(
            database,
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
            return (one[..colon], long.Parse(one.AsSpan(colon + 1), Invariant));
        });
        return new(changed, corrected, [.. newer]);
    }

    /// <summary>Brings holds back, one partition's part of each, with deadline and sequence as they were.</summary>
    public async Task<LoadedHolds> LoadHoldsAsync(Partition partition, IReadOnlyList<HoldRecord> page)
    {
        var reply = new Reply(await Script.LoadHolds.RunAsync(
            database,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, EndedRetention, .. page.SelectMany(hold => new RedisValue[]
            {
                ReservationKey.Of(hold.Reservation.Id), hold.Sequence, hold.CreatedAt.ToUnixTimeMilliseconds(),
                hold.Reservation.ExpiresAt.ToUnixTimeMilliseconds(), hold.Reservation.Holder.Text,
                string.Join(',', hold.Reservation.Lines.Select(line =>
                    string.Create(CultureInfo.InvariantCulture, $"{line.Sku}:{line.Quantity}"))),
            })]));
        _ = (LoadOutcome)reply.NextInt();
        return new(reply.NextInt(), reply.NextInt(), reply.NextInt(), reply.NextInt());
    }

    /// <summary>Removes holds that the system of record knows better.</summary>
    /// <returns>How many there were.</returns>
    public async Task<int> DropHoldsAsync(Partition partition, IReadOnlyList<OutdatedHold> page)
    {
        var reply = new Reply(await Script.DropHolds.RunAsync(
            database,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, EndedRetention, .. page.SelectMany(hold => new RedisValue[]
            {
                ReservationKey.Of(hold.ReservationId), hold.Sequence, Letter(hold.End),
            })]));
        _ = (LoadOutcome)reply.NextInt();
        return reply.NextInt();
    }

    /// <summary>Sets what owners have bought of SKUs of one partition.</summary>
    /// <returns>For how many it was another number.</returns>
    public async Task<int> LoadUnitsAsync(
        Partition partition, IReadOnlyList<(string Owner, string Sku, long Units)> page)
    {
        var reply = new Reply(await Script.LoadUnits.RunAsync(
            database,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, EndedRetention, .. page.SelectMany(one => new RedisValue[] { one.Owner, one.Sku, one.Units })]));
        _ = (LoadOutcome)reply.NextInt();
        return reply.NextInt();
    }

    /// <summary>Says that every payment which had come by some moment has been worked off.</summary>
    /// <param name="partition">Whose due holds may go back.</param>
    /// <param name="look">What was seen of the partition before the payments were looked for.</param>
    public async Task<BeatOutcome> BeatAsync(Partition partition, RunLook look) =>
        (BeatOutcome)new Reply(await Script.Beat.RunAsync(
            database,
            [partition.Epoch, partition.Heartbeat, partition.Waiting],
            [look.Epoch, look.At.ToUnixTimeMilliseconds()])).NextInt();

    private async Task<HeldPage> ReadBucketAsync(Partition partition, RedisKey bucket)
    {
        HashEntry[] entries;
        try
        {
            entries = await database.HashGetAllAsync(bucket);
        }
        catch (RedisServerException e) when (Unreadable.Explain(e) is not null)
        {
            return new([], [new(bucket, RedisValue.Null)]);
        }

        var (holds, spoilt) = (new List<HeldPart>(entries.Length), new List<SpoiltHold>());
        foreach (var entry in entries)
        {
            if (ReadHeld(partition, bucket, entry) is { } held) holds.Add(held);
            else spoilt.Add(new(bucket, entry.Name));
        }

        return new(holds, spoilt);
    }

    /// <returns>Null when it isn't as the scripts write it, or stands where they never look.</returns>
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
}
