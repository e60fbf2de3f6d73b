using StackExchange.Redis;

namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>A reservation as it is now; one whose deadline has passed is given back first.</summary>
    public async Task<FindAnswer> FindAsync(Guid id)
    {
        var parts = new List<FindAnswer>();
        foreach (var partition in Partitions)
        {
            parts.Add(await FindPartAsync(partition, [ReservationKey.Of(id), "", ""]));
        }

        return Combine(parts, FindOutcome.NotFound, part => part.Outcome, part => part.Reservation)
            is var (worst, reservation) ? worst with { Reservation = reservation } : parts[0];
    }

    /// <summary>
    /// What a holder holds of one SKU, as it is now; of a reservation over several partitions, that SKU's part.
    /// </summary>
    public Task<FindAnswer> FindAsync(Holder holder, string sku) =>
        FindPartAsync(Partition.Of(sku, settings.Partitions), ["", holder.Text, sku]);

    private async Task<FindAnswer> FindPartAsync(Partition partition, RedisValue[] which)
    {
        var result = await Script.Find.RunAsync(
            guard, [partition.Epoch, partition.Events, partition.Due], [Trace, EndedRetention, .. which]);
        var reply = new Reply(result);
        var outcome = (FindOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        return new(outcome, reply.HasMore ? reply.NextReservation() : null, decidedAt);
    }
}
