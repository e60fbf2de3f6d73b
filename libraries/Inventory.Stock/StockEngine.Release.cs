using StackExchange.Redis;

namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>Gives a reservation back before its deadline.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="idempotency">Null when the caller gave no key.</param>
    public async Task<ReleaseAnswer> ReleaseAsync(Guid id, Idempotency? idempotency)
    {
        var parts = new List<ReleaseAnswer>();
        foreach (var partition in Partitions)
        {
            parts.Add(await ReleasePartAsync(partition, [ReservationKey.Of(id), "", ""], idempotency));
        }

        return Combine(parts, ReleaseOutcome.NotFound, part => part.Outcome, part => part.Reservation)
            is var (worst, reservation) ? worst with { Reservation = reservation } : parts[0];
    }

    /// <summary>Gives back what a holder holds of one SKU; a reservation of several SKUs goes back whole.</summary>
    /// <inheritdoc cref="ReleaseAsync(Guid, Idempotency?)"/>
    public Task<ReleaseAnswer> ReleaseAsync(Holder holder, string sku, Idempotency? idempotency) =>
        ReleasePartAsync(Partition.Of(sku, settings.Partitions), ["", holder.Text, sku], idempotency);

    private async Task<ReleaseAnswer> ReleasePartAsync(
        Partition partition, RedisValue[] which, Idempotency? idempotency)
    {
        var result = await Script.Release.RunAsync(
            guard,
            [partition.Epoch, partition.Events, partition.Due, partition.Answer(idempotency)],
            [Trace, EndedRetention, Fingerprint(idempotency), IdempotencyRetention, .. which]);
        var reply = new Reply(result);
        var outcome = (ReleaseOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        return new(outcome, reply.HasMore ? reply.NextReservation() : null, decidedAt, reply.Replayed);
    }
}
