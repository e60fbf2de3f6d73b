namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>
    /// Sets how many units of one SKU a holder holds: a new hold, the one there is, or that one with another quantity.
    /// </summary>
    /// <param name="holder">Who holds it.</param>
    /// <param name="line">The SKU and the units wanted, 1 or more.</param>
    /// <param name="holdFor">Life of a new hold, a millisecond or more; an existing one keeps its deadline.</param>
    /// <param name="idempotency">Null when the caller gave no key.</param>
    public async Task<AdjustAnswer> AdjustAsync(Holder holder, Line line, TimeSpan holdFor, Idempotency? idempotency)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(line.Quantity, 1, nameof(line));
        var partition = Partition.Of(line.Sku, settings.Partitions);
        AdjustAnswer answer;
        // Ends for the reason that reserving does.
        do
        {
            answer = ReadAdjusted(new Reply(await Script.Adjust.RunAsync(
                guard,
                [
                    partition.Epoch, partition.Events, partition.Due, partition.Answer(idempotency),
                    partition.Stock(line.Sku),
                ],
                [
                    Trace, EndedRetention, Fingerprint(idempotency), IdempotencyRetention, settings.ReclaimBatch,
                    ReservationKey.Of(Guid.NewGuid()), holder.Text, Milliseconds(holdFor), line.Sku, line.Quantity,
                ])));
        }
        while (answer.Outcome == AdjustOutcome.MoreDue);
        return answer;
    }

    private static AdjustAnswer ReadAdjusted(Reply reply)
    {
        var answer = new AdjustAnswer { Outcome = (AdjustOutcome)reply.NextInt(), Replayed = reply.Replayed };
        if (!reply.HasMore) return answer;

        answer = answer with { DecidedAt = reply.NextTime() };
        return answer.Outcome switch
        {
            AdjustOutcome.Held or AdjustOutcome.AlreadyHeld or AdjustOutcome.Adjusted =>
                answer with
                {
                    Reservation = reply.NextReservation(),
                    Available = reply.NextInt(),
                    // Answers of an earlier version, repeated under their key, end before it.
                    More = reply.HasMore ? reply.NextInt() : 0,
                },
            AdjustOutcome.Confirming => answer with { Reservation = reply.NextReservation() },
            AdjustOutcome.Insufficient => answer with { Available = reply.NextInt() },
            AdjustOutcome.LimitExceeded => answer with { Limit = reply.NextInt(), Units = reply.NextInt() },
            _ => answer,
        };
    }
}
