using StackExchange.Redis;

namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>
    /// Moves a reservation's deadline, at most to <see cref="StockOptions.MaxLifetime"/> after its creation.
    /// </summary>
    /// <param name="id">The reservation.</param>
    /// <param name="by">A millisecond or more.</param>
    /// <param name="idempotency">Null when the caller gave no key.</param>
    public async Task<ExtendAnswer> ExtendAsync(Guid id, TimeSpan by, Idempotency? idempotency)
    {
        var parts = new List<ExtendAnswer>();
        foreach (var partition in Partitions)
        {
            parts.Add(await ExtendPartAsync(partition, [ReservationKey.Of(id), "", ""], by, idempotency));
        }

        return Combine(parts, ExtendOutcome.NotFound, part => part.Outcome, part => part.Reservation)
            is var (worst, reservation) ? worst with { Reservation = reservation } : parts[0];
    }

    /// <summary>The same for what a holder holds of one SKU.</summary>
    /// <inheritdoc cref="ExtendAsync(Guid, TimeSpan, Idempotency?)"/>
    public Task<ExtendAnswer> ExtendAsync(Holder holder, string sku, TimeSpan by, Idempotency? idempotency) =>
        ExtendPartAsync(Partition.Of(sku, settings.Partitions), ["", holder.Text, sku], by, idempotency);

    private async Task<ExtendAnswer> ExtendPartAsync(
        Partition partition, RedisValue[] which, TimeSpan by, Idempotency? idempotency)
    {
        var result = await Script.Extend.RunAsync(
            guard,
            [partition.Epoch, partition.Events, partition.Due, partition.Answer(idempotency)],
            [
                Trace, EndedRetention, Fingerprint(idempotency), IdempotencyRetention, .. which,
                Milliseconds(by), Milliseconds(settings.MaxLifetime),
            ]);
        var reply = new Reply(result);
        var outcome = (ExtendOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        return new(outcome, reply.HasMore ? reply.NextReservation() : null, decidedAt, reply.Replayed);
    }

    /// <summary>
    /// One answer for a reservation whose parts lie in several partitions: the worst of those that have a part, for the
    /// whole of its lines. Null where no partition has a part.
    /// </summary>
    private static (TAnswer Worst, Reservation? Whole)? Combine<TAnswer, TOutcome>(
        List<TAnswer> answers,
        TOutcome notFound,
        Func<TAnswer, TOutcome> outcome,
        Func<TAnswer, Reservation?> reservation)
        where TOutcome : struct, Enum
    {
        var found = answers.FindAll(answer => !outcome(answer).Equals(notFound));
        if (found.Count == 0) return null;
        var reservations = found.ConvertAll(answer => reservation(answer)).OfType<Reservation>().ToList();
        return (found.MinBy(outcome)!, reservations.Count == 0 ? null : Join(reservations));
    }
}
