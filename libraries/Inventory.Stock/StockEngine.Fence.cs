namespace Inventory.Stock;

/// <summary>What a fence was closed on.</summary>
/// <param name="RunId">The run of the server; empty where it hides it.</param>
/// <param name="FormerEpoch">
/// The epoch that another run left with this data, of which no hold was touched since; empty without one.
/// </param>
public readonly record struct ClosedFence(string RunId, string FormerEpoch);

// While a partition is fenced nothing of it is sold: its data is being checked, or is not there. Whoever opens it has
// closed it first, and has stayed with one run of one server in between.
public sealed partial class StockEngine
{
    /// <summary>
    /// Looks at the server of one partition. A server that was not opened itself, whatever its data says, is fenced
    /// from this look on.
    /// </summary>
    public Task<RunLook> LookAsync(Partition partition) => guard.LookAsync(partition.Epoch);

    /// <summary>Stops selling.</summary>
    /// <param name="partition">What is closed.</param>
    /// <param name="token">Names the rebuild that begins; no two have the same.</param>
    public async Task<ClosedFence> CloseFenceAsync(Partition partition, string token)
    {
        var reply = new Reply(await Script.CloseFence.RunAsync(
            database, [partition.Epoch, partition.Rebuild, partition.Former], [token]));
        _ = (CloseOutcome)reply.NextInt();
        return new(reply.Next().ToString(), reply.Next().ToString());
    }

    /// <summary>Comes before anything is changed that the former epoch stands for.</summary>
    public Task ForgetFormerAsync(Partition partition) => database.KeyDeleteAsync(partition.Former).OrFailedAsync();

    /// <summary>Sells again: from here on, what Redis has is sold.</summary>
    /// <param name="partition">What is opened.</param>
    /// <param name="token">As for <see cref="CloseFenceAsync"/>.</param>
    /// <param name="runId">The run that <see cref="CloseFenceAsync"/> told.</param>
    /// <param name="number">The epoch's number in the system of record, higher than any before.</param>
    /// <param name="expiryWaits">Whether due holds stay until the first heartbeat.</param>
    public async Task<OpenOutcome> OpenFenceAsync(
        Partition partition, string token, string runId, long number, bool expiryWaits)
    {
        var reply = new Reply(await Script.OpenFence.RunAsync(
            database,
            [partition.Epoch, partition.Rebuild, partition.Heartbeat, partition.Waiting, partition.Former],
            [token, runId, number, expiryWaits ? 1 : 0]));
        return (OpenOutcome)reply.NextInt();
    }

    /// <summary>
    /// Opens every partition that is fenced, as it is. Only for a Redis whose data no system of record stands behind.
    /// </summary>
    /// <returns>Whether any partition was fenced.</returns>
    public async Task<bool> LiftFenceAsync()
    {
        var lifted = false;
        foreach (var partition in Partitions)
        {
            if ((await LookAsync(partition)).Outcome == VerifyOutcome.Verified) continue;
            var token = Guid.NewGuid().ToString("N");
            var run = (await CloseFenceAsync(partition, token)).RunId;
            var number = (await NowAsync()).ToUnixTimeMilliseconds();
            lifted |= await OpenFenceAsync(partition, token, run, number, expiryWaits: false) == OpenOutcome.Opened;
        }

        return lifted;
    }

    /// <summary>Whether some partition refuses to sell because its data has not been checked.</summary>
    public async Task<bool> IsFencedAsync()
    {
        foreach (var partition in Partitions)
        {
            if ((await LookAsync(partition)).Outcome != VerifyOutcome.Verified) return true;
        }

        return false;
    }
}
