using StackExchange.Redis;

namespace Inventory.Stock;

// Confirming takes three steps, of which the middle one is not Redis': pin, the order in the system of record, commit.
// A crash between them leaves a pinned hold whose lease ends; whoever finds it asks the system of record which way to
// go.
public sealed partial class StockEngine
{
    /// <summary>Puts a pending hold out of reach of expiry and release until the lease ends.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="lease">Time for the order to be written, a millisecond or more.</param>
    public async Task<PinAnswer> PinAsync(Guid id, TimeSpan lease)
    {
        var parts = new List<PinAnswer>();
        foreach (var partition in Partitions)
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
            Reservation = Join(parts.ConvertAll(part => part.Reservation!)),
            Pins = [.. parts.SelectMany(part => part.Pins)],
        };
    }

    /// <summary>Takes an attempt back: the hold is pending again, with its old deadline.</summary>
    public async Task<UnpinOutcome> UnpinAsync(Guid id, Pin pin)
    {
        var partition = new Partition(pin.Partition);
        var result = await Script.Unpin.RunAsync(
            guard,
            [partition.Epoch, partition.Events, partition.Due],
            [Trace, EndedRetention, ReservationKey.Of(id), pin.Number]);
        return (UnpinOutcome)new Reply(result).NextInt();
    }

    /// <summary>Takes a confirmed order's units off the stock for good; may be repeated.</summary>
    /// <param name="id">The reservation that has become an order.</param>
    /// <param name="totals">What the system of record says of each of its SKUs.</param>
    public async Task<CommitOutcome> CommitAsync(Guid id, IReadOnlyList<CommittedTotal> totals)
    {
        var outcomes = new List<CommitOutcome>();
        foreach (var part in totals.GroupBy(total => Partition.Of(total.Sku, settings.Partitions)))
        {
            RedisValue[] lines =
                [.. part.SelectMany(total => new RedisValue[] { total.Sku, total.Total, total.Version })];
            var result = await CallsOf(Script.Commit, part.Key).AskAsync(
                part.Count(), [part.Count(), Trace, ReservationKey.Of(id), .. lines]);
            outcomes.Add((CommitOutcome)new Reply(result).NextInt());
        }

        return outcomes.Min();
    }

    /// <summary>Confirming holds whose lease has ended, the longest ago first.</summary>
    /// <param name="count">At most so many per partition, 1 or more.</param>
    public async Task<IReadOnlyList<LapsedPin>> ReadLapsedPinsAsync(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var lapsed = new List<LapsedPin>();
        foreach (var partition in Partitions)
        {
            var now = await NowAsync();
            var ids = await database.SortedSetRangeByScoreAsync(
                partition.Leases, stop: now.ToUnixTimeMilliseconds(), take: count).OrFailedAsync();
            foreach (string? id in ids)
            {
                if (await ReadLapsedPinAsync(partition, id!) is { } hold) lapsed.Add(hold);
            }
        }

        return lapsed;
    }

    /// <returns>
    /// Null when it is gone, since whoever pinned it did come back, or can't be read: the audit names it, and the
    /// others must not wait for it.
    /// </returns>
    private async Task<LapsedPin?> ReadLapsedPinAsync(Partition partition, string id)
    {
        if (!ReservationKey.IsKey(id)) return null;
        RedisValue text;
        try
        {
            text = await database.HashGetAsync(partition.HoldsOf(id), id).OrFailedAsync();
        }
        catch (RedisServerException e) when (Unreadable.Explain(e) is not null)
        {
            return null;
        }

        return HoldText.Parse(text) is { Confirming: true } hold
            ? new(ReservationKey.Parse(id), new(partition.Index, hold.Sequence), hold.Holder, hold.Lines)
            : null;
    }

    /// <summary>Redis' clock, the one that every deadline is compared against.</summary>
    public async Task<DateTimeOffset> NowAsync()
    {
        var time = (RedisValue[])(await database.ExecuteAsync("TIME").OrFailedAsync())!;
        return DateTimeOffset.FromUnixTimeSeconds((long)time[0]).AddMilliseconds((long)time[1] / 1000);
    }

    private async Task<PinAnswer> PinPartAsync(Partition partition, string id, long leaseMs)
    {
        var result = await CallsOf(Script.Pin, partition).AskAsync(1, Trace, id, leaseMs);
        var reply = new Reply(result);
        var outcome = (PinOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        var reservation = reply.HasMore ? reply.NextReservation() : null;
        Pin[] pins = reply.HasMore ? [new(partition.Index, reply.NextInt(), reply.NextLong())] : [];
        return new(outcome, reservation, pins, decidedAt);
    }
}
