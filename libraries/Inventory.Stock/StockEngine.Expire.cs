namespace Inventory.Stock;

public sealed partial class StockEngine
{
    /// <summary>Gives one batch of due holds back in each partition.</summary>
    /// <param name="batch">Most lines per partition; bounds how long Redis serves nobody else.</param>
    public async Task<ExpireAnswer> ExpireAsync(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        var outcome = ExpireOutcome.Drained;
        var lateness = new List<TimeSpan>();
        foreach (var partition in Partitions)
        {
            var part = ReadExpired(
                new Reply(await Script.Expire.RunAsync(
                    guard,
                    [partition.Epoch, partition.Events, partition.Due],
                    [Trace, EndedRetention, batch])),
                lateness);
            if (part != ExpireOutcome.Drained) outcome = part;
        }

        return new(outcome, lateness);
    }

    private static ExpireOutcome ReadExpired(Reply reply, List<TimeSpan> lateness)
    {
        var outcome = (ExpireOutcome)reply.NextInt();
        if (!reply.HasMore) return outcome;

        var now = reply.NextTime();
        while (reply.HasMore) lateness.Add(now - reply.NextTime());
        return outcome;
    }
}
