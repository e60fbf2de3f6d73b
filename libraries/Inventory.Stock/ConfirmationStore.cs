using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;
using static Inventory.Stock.PartitionedRedis;

namespace Inventory.Stock;

/// <summary>The outcomes of <c>lua/cancel_order.lua</c>.</summary>
public enum CancelOrderOutcome
{
    /// <summary>The units are on sale again, and no longer counted as bought by their owner.</summary>
    Applied = 1,

    /// <summary>The totals are right. The audit corrects what the owner has bought.</summary>
    TooLate = -1,

    /// <summary>
    /// As <see cref="TooLate"/>: the data was verified or rebuilt since the order was read as confirmed.
    /// </summary>
    Rebuilt = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>The state of a partition before an order was cancelled.</summary>
/// <param name="Partition">Which one.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="At">By Redis' clock.</param>
public readonly record struct BeforeCancel(Partition Partition, string Epoch, DateTimeOffset At);

/// <summary>One line of a cancelled order.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Quantity">Units that are returned.</param>
/// <param name="Total">The total after the cancellation, by the system of record.</param>
/// <param name="Version">Of that total.</param>
public readonly record struct CancelledLine(string Sku, int Quantity, int Total, long Version);

/// <summary>
/// Changes that orders make in Redis: a hold is pinned, then committed or unpinned; the hold of a late payment is
/// revived; the units of a cancelled order are returned.
/// </summary>
/// <remarks>
/// Confirming takes three steps: pin in Redis, write the order in the system of record, commit in Redis. A crash
/// between them leaves a pinned hold. When its lease ends, the reconciliation worker asks the system of record whether
/// to commit or to unpin it.
/// <para>What an owner has bought is a sum without versions: lowered twice, it would let the owner buy too much. So the
/// caller that cancelled the order tells Redis at most once and within a time limit; the audit lowers the sums that
/// were missed.</para>
/// </remarks>
public sealed class ConfirmationStore
{
    private readonly PartitionedRedis redis;

    internal ConfirmationStore(PartitionedRedis redis) => this.redis = redis;

    /// <summary>The partition of a SKU's stock.</summary>
    public Partition PartitionOf(string sku) => redis.PartitionOf(sku);

    /// <summary>Puts a pending hold out of reach of expiry and release until the lease ends.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="lease">Time for the order to be written, a millisecond or more.</param>
    public async Task<PinAnswer> PinAsync(Guid id, TimeSpan lease)
    {
        var parts = new List<PinAnswer>();
        foreach (var partition in redis.Partitions)
        {
            var part = await PinPartAsync(partition, ReservationKey.Of(id), Milliseconds(lease));
            if (part.Outcome != PinOutcome.NotFound) parts.Add(part);
        }

        if (parts.Count == 0) return new(PinOutcome.NotFound, null, [], default);
        var worst = parts.MinBy(part => part.Outcome)!;
        if (worst.Outcome is PinOutcome.Ended or PinOutcome.Fenced)
        {
            foreach (var pin in parts.SelectMany(part => part.Pins)) await UnpinAsync(id, pin);
            return worst;
        }

        return worst with
        {
            Reservation = Parts.Join(parts.ConvertAll(part => part.Reservation!)),
            Pins = [.. parts.SelectMany(part => part.Pins)],
        };
    }

    /// <summary>Undoes an attempt: the hold is pending again, with its old deadline.</summary>
    public async Task<UnpinOutcome> UnpinAsync(Guid id, Lease pin)
    {
        var partition = new Partition(pin.Partition);
        var result = await Script.Unpin.RunAsync(
            redis.Guard,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, redis.EndedRetention, ReservationKey.Of(id), pin.Number]);
        return (UnpinOutcome)new Reply(result).NextInt();
    }

    /// <summary>Removes a confirmed order's hold and takes over its totals; may be repeated.</summary>
    /// <param name="id">The reservation that has become an order.</param>
    /// <param name="totals">The system of record's total of each SKU.</param>
    public async Task<CommitOutcome> CommitAsync(Guid id, IReadOnlyList<SkuTotal> totals)
    {
        var outcomes = new List<CommitOutcome>();
        foreach (var part in totals.GroupBy(total => redis.PartitionOf(total.Sku)))
        {
            RedisValue[] lines =
                [.. part.SelectMany(total => new RedisValue[] { Stored(total.Sku), total.Total, total.Version })];
            var result = await redis.CallsOf(Script.Commit, part.Key).AskAsync(
                part.Count(), [part.Count(), Trace, ReservationKey.Of(id), .. lines]);
            outcomes.Add((CommitOutcome)new Reply(result).NextInt());
        }

        return outcomes.Min();
    }

    /// <summary>Confirming holds with an ended lease, the longest ago first.</summary>
    /// <param name="count">Maximum number for each partition, 1 or more.</param>
    public async Task<IReadOnlyList<LapsedPin>> ReadLapsedPinsAsync(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var lapsed = new List<LapsedPin>();
        foreach (var partition in redis.Partitions)
        {
            var now = await redis.NowAsync();
            var ids = await redis.Database.SortedSetRangeByScoreAsync(
                partition.Leases, stop: now.ToUnixTimeMilliseconds(), take: count).OrFailedAsync();
            foreach (string? id in ids)
            {
                if (await ReadLapsedPinAsync(partition, id!) is { } hold) lapsed.Add(hold);
            }
        }

        return lapsed;
    }

    /// <returns>
    /// Null when the hold is gone because its confirm was finished, or when it can't be read: the audit reports it, and
    /// the other holds must not wait for it.
    /// </returns>
    private async Task<LapsedPin?> ReadLapsedPinAsync(Partition partition, string id)
    {
        if (!ReservationKey.IsKey(id)) return null;
        RedisValue text;
        try
        {
            text = await redis.Database.HashGetAsync(partition.HoldsOf(id), id).OrFailedAsync();
        }
        catch (CorruptDataException)
        {
            return null;
        }

        return HoldText.Parse(text) is { Confirming: true } hold
            ? new(ReservationKey.Parse(id), new(partition.Index, hold.Sequence), hold.Holder, hold.Lines)
            : null;
    }

    private async Task<PinAnswer> PinPartAsync(Partition partition, string id, long leaseMs)
    {
        var result = await redis.CallsOf(Script.Pin, partition).AskAsync(1, Trace, id, leaseMs);
        var reply = new Reply(result);
        var outcome = (PinOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        var reservation = reply.HasMore ? reply.NextReservation() : null;
        Lease[] pins = reply.HasMore ? [new(partition.Index, reply.NextInt(), reply.NextLong())] : [];
        return new(outcome, reservation, pins, decidedAt);
    }

    /// <summary>
    /// How long after <see cref="PrepareCancelAsync"/> Redis may be told of the cancellation. The audit corrects the
    /// sums that differ once this time is well over.
    /// </summary>
    public static TimeSpan CancelPatience { get; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Reads the state that <see cref="CancelOrderAsync"/> needs. Call it before an order is cancelled in the system of
    /// record.
    /// </summary>
    /// <param name="skus">The ordered SKUs.</param>
    public async Task<IReadOnlyList<BeforeCancel>> PrepareCancelAsync(IEnumerable<string> skus)
    {
        var before = new List<BeforeCancel>();
        foreach (var partition in skus.Select(redis.PartitionOf).Distinct().OrderBy(partition => partition.Index))
        {
            var look = await redis.Guard.VerifyOrFenceAsync(partition.Epoch);
            before.Add(new(partition, look.Epoch, look.At));
        }

        return before;
    }

    /// <summary>
    /// Tells Redis of an order that the caller has just cancelled. Never call it twice for one order.
    /// </summary>
    /// <param name="before">The result of <see cref="PrepareCancelAsync"/>.</param>
    /// <param name="id">The reservation that had become the order.</param>
    /// <param name="holder">The holder.</param>
    /// <param name="lines">The returned lines.</param>
    /// <returns>The worst outcome of the partitions concerned.</returns>
    public async Task<CancelOrderOutcome> CancelOrderAsync(
        IReadOnlyList<BeforeCancel> before, Guid id, Holder holder, IReadOnlyList<CancelledLine> lines)
    {
        var outcomes = new List<CancelOrderOutcome>();
        foreach (var (partition, epoch, at) in before)
        {
            RedisValue[] arguments =
            [
                Trace, redis.EndedRetention, ReservationKey.Of(id), epoch, at.ToUnixTimeMilliseconds(),
                (long)CancelPatience.TotalMilliseconds, holder.Text,
                .. lines.Where(line => redis.PartitionOf(line.Sku) == partition).SelectMany(line => new RedisValue[]
                {
                    Stored(line.Sku), line.Quantity, line.Total, line.Version,
                }),
            ];
            var result = await Script.CancelOrder.RunAsync(
                redis.Guard, [partition.Epoch, partition.Events, partition.Due], arguments);
            outcomes.Add((CancelOrderOutcome)new Reply(result).NextInt());
        }

        return outcomes.Min();
    }

    /// <summary>
    /// Holds the units of an ended reservation again, if they are still available, and pins the hold in the same step:
    /// its payment has come late.
    /// </summary>
    /// <param name="hold">The reservation as it was.</param>
    /// <param name="lease">Time for the order to be written, a millisecond or more.</param>
    /// <returns>
    /// The hold is only pinned after <see cref="RestoreOutcome.Restored"/>. A hold that is
    /// <see cref="RestoreOutcome.AlreadyThere"/>, in whole or in part, has to be pinned as any other.
    /// </returns>
    public async Task<(RestoreOutcome Outcome, PinAnswer? Pinned)> ReviveAsync(HoldRecord hold, TimeSpan lease)
    {
        var parts = new List<(RestoreOutcome Outcome, PinAnswer? Pinned)>();
        foreach (var part in redis.PartsOf(Parts.AddUp(hold.Reservation.Lines)))
        {
            (RestoreOutcome Outcome, PinAnswer? Pinned) answer;
            // Terminates for the reason that <c>PartitionedRedis.ReserveCalls</c> gives.
            do answer = await RestorePartAsync(part.Key, hold, [.. part], lease);
            while (answer.Outcome == RestoreOutcome.MoreDue);
            if (answer.Outcome < 0)
            {
                // Undo only the parts restored here: the order of another attempt may be being written.
                foreach (var (_, pinned) in parts.Where(part => part.Outcome == RestoreOutcome.Restored))
                {
                    await UnpinAsync(hold.Reservation.Id, pinned!.Pins[0]);
                }

                return answer;
            }

            parts.Add(answer);
        }

        var whole = parts[0].Pinned! with
        {
            Reservation = Parts.Join(parts.ConvertAll(part => part.Pinned!.Reservation!)),
            Pins = [.. parts.SelectMany(part => part.Pinned!.Pins)],
        };
        return (parts.Max(part => part.Outcome), whole);
    }

    private async Task<(RestoreOutcome Outcome, PinAnswer? Pinned)> RestorePartAsync(
        Partition partition, HoldRecord hold, Line[] lines, TimeSpan lease)
    {
        RedisValue[] arguments =
        [
            Trace, redis.EndedRetention, redis.Settings.ReclaimBatch, Milliseconds(lease),
            ReservationKey.Of(hold.Reservation.Id), hold.Sequence, hold.CreatedAt.ToUnixTimeMilliseconds(),
            hold.Reservation.ExpiresAt.ToUnixTimeMilliseconds(), hold.Reservation.Holder.Text,
            .. lines.SelectMany(line => new RedisValue[] { Stored(line.Sku), line.Quantity }),
        ];
        var result = await Script.RestoreHold.RunAsync(
            redis.Guard, [partition.Epoch, partition.Events, partition.Due], arguments);
        return ReadRestored(partition, new Reply(result));
    }

    private static (RestoreOutcome Outcome, PinAnswer? Pinned) ReadRestored(Partition partition, Reply reply)
    {
        var outcome = (RestoreOutcome)reply.NextInt();
        if (outcome is not (RestoreOutcome.Restored or RestoreOutcome.AlreadyThere)) return (outcome, null);
        var decidedAt = reply.NextTime();
        var reservation = reply.NextReservation();
        var pin = new Lease(partition.Index, reply.NextInt(), reply.NextLong());
        return (outcome, new(PinOutcome.Pinned, reservation, [pin], decidedAt));
    }
}
