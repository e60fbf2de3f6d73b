using StackExchange.Redis;

namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>
    /// Holds the units of an ended reservation once more, if they are still there, pinned at once: its payment has
    /// come.
    /// </summary>
    /// <param name="hold">The reservation as it was.</param>
    /// <param name="lease">Time for the order to be written, a millisecond or more.</param>
    /// <returns>
    /// Only after <see cref="RestoreOutcome.Restored"/> the hold is pinned. What is <see
    /// cref="RestoreOutcome.AlreadyThere"/>, whole or in part, has to be pinned as any other.
    /// </returns>
    public async Task<(RestoreOutcome Outcome, PinAnswer? Pinned)> ReviveAsync(HoldRecord hold, TimeSpan lease)
    {
        var parts = new List<(RestoreOutcome Outcome, PinAnswer? Pinned)>();
        foreach (var part in Parts(hold.Reservation.Lines))
        {
            (RestoreOutcome Outcome, PinAnswer? Pinned) answer;
            // Ends for the reason that reserving does.
            do answer = await RestorePartAsync(part.Key, hold, [.. part], lease);
            while (answer.Outcome == RestoreOutcome.MoreDue);
            if (answer.Outcome < 0)
            {
                // Only what was taken here: another attempt's order may be on its way.
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
            Reservation = Join(parts.ConvertAll(part => part.Pinned!.Reservation!)),
            Pins = [.. parts.SelectMany(part => part.Pinned!.Pins)],
        };
        return (parts.Max(part => part.Outcome), whole);
    }

    private IEnumerable<IGrouping<Partition, Line>> Parts(IReadOnlyList<Line> lines) => AddUp(lines)
        .GroupBy(line => Partition.Of(line.Sku, settings.Partitions))
        .OrderBy(part => part.Key.Index);

    private async Task<(RestoreOutcome Outcome, PinAnswer? Pinned)> RestorePartAsync(
        Partition partition, HoldRecord hold, Line[] lines, TimeSpan lease)
    {
        RedisValue[] arguments =
        [
            Trace, EndedRetention, settings.ReclaimBatch, Milliseconds(lease),
            ReservationKey.Of(hold.Reservation.Id), hold.Sequence, hold.CreatedAt.ToUnixTimeMilliseconds(),
            hold.Reservation.ExpiresAt.ToUnixTimeMilliseconds(), hold.Reservation.Holder.Text,
            .. lines.SelectMany(line => new RedisValue[] { line.Sku, line.Quantity }),
        ];
        var result = await Script.RestoreHold.RunAsync(
            guard, [partition.Epoch, partition.Events, partition.Due], arguments);
        return ReadRestored(partition, new Reply(result));
    }

    private static (RestoreOutcome Outcome, PinAnswer? Pinned) ReadRestored(Partition partition, Reply reply)
    {
        var outcome = (RestoreOutcome)reply.NextInt();
        if (outcome is not (RestoreOutcome.Restored or RestoreOutcome.AlreadyThere)) return (outcome, null);
        var decidedAt = reply.NextTime();
        var reservation = reply.NextReservation();
        var pin = new Pin(partition.Index, reply.NextInt(), reply.NextLong());
        return (outcome, new(PinOutcome.Pinned, reservation, [pin], decidedAt));
    }
}
