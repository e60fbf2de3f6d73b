using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>What <c>lua/cancel_order.lua</c> answered.</summary>
public enum CancelOrderOutcome
{
    /// <summary>The units are on sale again, and their owner has bought them no longer.</summary>
    Told = 1,

    /// <summary>The totals are right; what the owner has bought is left to the audit.</summary>
    TooLate = -1,

    /// <summary>As <see cref="TooLate"/>: the data was checked or rebuilt since the order was seen to stand.</summary>
    Rebuilt = -2,

    /// <inheritdoc cref="ReserveOutcome.Fenced"/>
    Fenced = -9,
}

/// <summary>What was seen of a partition before an order was cancelled.</summary>
/// <param name="Partition">Which one.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="At">By Redis' clock.</param>
public readonly record struct BeforeCancel(Partition Partition, string Epoch, DateTimeOffset At);

/// <summary>One line of a cancelled order.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Quantity">Units that come back.</param>
/// <param name="Total">What the system of record returned.</param>
/// <param name="Version">Of that total.</param>
public readonly record struct CancelledLine(string Sku, int Quantity, int Total, long Version);

// What an owner has bought is a sum without versions: lowered twice it would let them buy too much. So Redis is told
// once, by whoever cancelled the order, and in time; the audit lowers what nobody told.
public sealed partial class StockEngine
{
    /// <summary>
    /// How long after <see cref="LookBeforeCancelAsync"/> Redis may be told what an owner has bought no longer. Once it
    /// is well over, what differs is the audit's to mend.
    /// </summary>
    public static TimeSpan CancelPatience { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Call it before an order is cancelled in the system of record.</summary>
    /// <param name="skus">What was ordered.</param>
    public async Task<IReadOnlyList<BeforeCancel>> LookBeforeCancelAsync(IEnumerable<string> skus)
    {
        var before = new List<BeforeCancel>();
        foreach (var partition in skus.Select(PartitionOf).Distinct().OrderBy(partition => partition.Index))
        {
            var look = await LookAsync(partition);
            before.Add(new(partition, look.Epoch, look.At));
        }

        return before;
    }

    /// <summary>Tells of an order that the caller has just cancelled. Never call it twice for one order.</summary>
    /// <param name="before">What <see cref="LookBeforeCancelAsync"/> saw.</param>
    /// <param name="id">The reservation that had become the order.</param>
    /// <param name="holder">Who held it.</param>
    /// <param name="lines">What comes back.</param>
    /// <returns>The worst outcome of the partitions concerned.</returns>
    public async Task<CancelOrderOutcome> CancelOrderAsync(
        IReadOnlyList<BeforeCancel> before, Guid id, Holder holder, IReadOnlyList<CancelledLine> lines)
    {
        var outcomes = new List<CancelOrderOutcome>();
        foreach (var (partition, epoch, at) in before)
        {
            RedisValue[] arguments =
            [
                Trace, EndedRetention, ReservationKey.Of(id), epoch, at.ToUnixTimeMilliseconds(),
                (long)CancelPatience.TotalMilliseconds, holder.Text,
                .. lines.Where(line => PartitionOf(line.Sku) == partition).SelectMany(line => new RedisValue[]
                {
                    line.Sku, line.Quantity, line.Total, line.Version,
                }),
            ];
            var result = await Script.CancelOrder.RunAsync(
                guard, [partition.Epoch, partition.Events, partition.Due], arguments);
            outcomes.Add((CancelOrderOutcome)new Reply(result).NextInt());
        }

        return outcomes.Min();
    }
}
