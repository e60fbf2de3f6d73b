using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>The right to repair one SKU, for a while.</summary>
/// <param name="Partition">Where the SKU is.</param>
/// <param name="Sku">The SKU, or empty for what belongs to a SKU that nobody can name any more.</param>
/// <param name="Token">What tells its owner from others.</param>
public sealed record RepairLock(Partition Partition, string Sku, string Token);

public sealed partial class StockEngine
{
    /// <summary>Takes the right to repair a SKU, unless somebody has it.</summary>
    /// <param name="partition">Where the SKU is.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="expiry">After which another may take it: far longer than a repair needs.</param>
    public async Task<RepairLock?> TryLockRepairAsync(Partition partition, string sku, TimeSpan expiry)
    {
        var owned = new RepairLock(partition, sku, Guid.NewGuid().ToString("N"));
        return await database.StringSetAsync(partition.RepairOf(sku), owned.Token, expiry, When.NotExists)
            .OrFailedAsync()
            ? owned
            : null;
    }

    /// <summary>Gives that right back.</summary>
    public async Task<UnlockOutcome> UnlockRepairAsync(RepairLock owned)
    {
        var result = await Script.UnlockRepair.RunAsync(
            database, [owned.Partition.RepairOf(owned.Sku)], [owned.Token]);
        return (UnlockOutcome)new Reply(result).NextInt();
    }

    /// <summary>Makes a SKU's counter and indices agree with its holds.</summary>
    /// <param name="owned">The right to do so.</param>
    /// <param name="mayFree">Whether units may become available: that no hold stands elsewhere is proven.</param>
    /// <param name="correction">
    /// What to add to the counter of a SKU that has more holds than one step may count; 0 otherwise.
    /// </param>
    /// <returns>What happened, and the counter before and after.</returns>
    public async Task<(RepairReservedOutcome Outcome, long Before, long After)> RepairReservedAsync(
        RepairLock owned, bool mayFree, long correction)
    {
        var result = await Script.RepairReserved.RunAsync(
            guard, RepairKeys(owned),
            [Trace, EndedRetention, owned.Token, owned.Sku, AuditBudget, mayFree ? 1 : 0, correction]);
        return Read(new(result));

        static (RepairReservedOutcome, long, long) Read(Reply reply)
        {
            var outcome = (RepairReservedOutcome)reply.NextInt();
            return reply.HasMore ? (outcome, reply.NextLong(), reply.NextLong()) : (outcome, 0, 0);
        }
    }

    /// <summary>
    /// Makes Redis say what the system of record says. Only while the SKU's row is locked there: nothing newer can then
    /// be in Redis.
    /// </summary>
    public async Task<RepairTotalOutcome> RepairTotalAsync(RepairLock owned, StockTotal stock)
    {
        var result = await Script.RepairTotal.RunAsync(
            guard, RepairKeys(owned),
            [
                Trace, EndedRetention, owned.Token, owned.Sku, AuditBudget, stock.Total, stock.Version,
                stock.MaxPerCustomer ?? 0, stock.Paused ? 1 : 0,
            ]);
        return (RepairTotalOutcome)new Reply(result).NextInt();
    }

    /// <summary>Puts a hold back wherever it has to stand.</summary>
    /// <param name="owned">The right to repair one of its SKUs.</param>
    /// <param name="id">The reservation.</param>
    /// <param name="deadline">By the system of record, in case that Redis has lost it.</param>
    public async Task<RepairHoldOutcome> RepairHoldAsync(RepairLock owned, Guid id, DateTimeOffset? deadline)
    {
        var result = await Script.RepairHold.RunAsync(
            guard, RepairKeys(owned),
            [
                Trace, EndedRetention, owned.Token, ReservationKey.Of(id),
                deadline?.ToUnixTimeMilliseconds() ?? 0,
            ]);
        return (RepairHoldOutcome)new Reply(result).NextInt();
    }

    /// <summary>Brings back a hold that Redis has lost, with its old deadline, and counts its units once.</summary>
    /// <param name="owned">The right to repair one of its SKUs.</param>
    /// <param name="hold">One partition's part of the hold, as the system of record has it.</param>
    public async Task<RepairLostOutcome> RepairLostAsync(RepairLock owned, HoldRecord hold)
    {
        var result = await Script.RepairLost.RunAsync(
            guard, RepairKeys(owned),
            [
                Trace, EndedRetention, owned.Token, ReservationKey.Of(hold.Reservation.Id), AuditBudget, hold.Sequence,
                hold.CreatedAt.ToUnixTimeMilliseconds(), hold.Reservation.ExpiresAt.ToUnixTimeMilliseconds(),
                hold.Reservation.Holder.Text,
                .. hold.Reservation.Lines.SelectMany(line => new RedisValue[] { line.Sku, line.Quantity }),
            ]);
        return (RepairLostOutcome)new Reply(result).NextInt();
    }

    /// <summary>Makes what an owner has bought of a SKU what its orders say.</summary>
    /// <param name="owned">The right to repair the SKU.</param>
    /// <param name="owner">Whose limit it is.</param>
    /// <param name="seen">The count that was found wrong.</param>
    /// <param name="right">What it should have been.</param>
    public async Task<RepairBoughtOutcome> RepairBoughtAsync(RepairLock owned, Holder owner, long seen, long right)
    {
        var result = await Script.RepairBought.RunAsync(
            guard, RepairKeys(owned),
            [Trace, EndedRetention, owned.Token, owner.Text, owned.Sku, seen, right]);
        return (RepairBoughtOutcome)new Reply(result).NextInt();
    }

    /// <summary>Stops the sale of a SKU that the system of record doesn't know.</summary>
    public async Task<RetireOutcome> RetireStockAsync(RepairLock owned)
    {
        var result = await Script.RetireStock.RunAsync(
            guard, RepairKeys(owned), [Trace, EndedRetention, owned.Token, owned.Sku, AuditBudget]);
        return (RetireOutcome)new Reply(result).NextInt();
    }

    /// <summary>Removes from customers' entries what isn't held.</summary>
    /// <returns>What was removed; null when the lock is another's, or the partition is fenced.</returns>
    public Task<IReadOnlyList<WrongUnits>?> RepairUnitsAsync(
        RepairLock owned, IReadOnlyList<(string Bucket, string Field)> entries) =>
        UnitsAsync(owned.Partition, entries, owned.Sku, owned.Token);

    private static RedisKey[] RepairKeys(RepairLock owned) =>
    [
        owned.Partition.Epoch, owned.Partition.Events, owned.Partition.Due, owned.Partition.RepairOf(owned.Sku),
    ];
}
