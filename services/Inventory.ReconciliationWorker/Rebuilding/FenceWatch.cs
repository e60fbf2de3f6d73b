using Inventory.Ledger;
using Inventory.Stock;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>
/// Looks whether Redis is what PostgreSQL last opened, and has what is stored of it; has it checked and rebuilt when
/// not. Any number of instances may run.
/// </summary>
/// <remarks>
/// Scripts find a replaced server by themselves, at its first call. This finds it too when nobody calls, and besides an
/// older set of data that came back without another run of the server.
/// </remarks>
public sealed partial class FenceWatch(
    StockEngine stock,
    Fences fences,
    StockRebuild rebuild,
    StockLoader loader,
    NpgsqlDataSource ledger,
    StoreOutages outages,
    ReconciliationMetrics metrics,
    IConnectionMultiplexer redis,
    IOptions<ReconciliationOptions> options,
    TimeProvider time,
    ILogger<FenceWatch> log) : BackgroundService
{
    private TaskCompletionSource restored = NewSignal();
    private long? closedSince;
    private int rebuilds;
    private string? brokenBy;

    /// <summary>Whether every partition sold at least once since this process started.</summary>
    public bool HasOpened { get; private set; }

    /// <summary>Looks once; rebuilds what has to be.</summary>
    /// <returns>Whether every partition may sell now.</returns>
    public async Task<bool> LookAsync(CancellationToken cancellation)
    {
        var open = true;
        foreach (var partition in stock.ReadPartitions())
        {
            if (await IsTrustedAsync(partition, cancellation)) continue;
            closedSince ??= time.GetTimestamp();
            open &= await RebuildAsync(partition, cancellation);
        }

        if (!open) return false;
        if (closedSince is { } since) metrics.WasFenced(time.GetElapsedTime(since));
        closedSince = null;
        HasOpened = true;
        return true;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loader.LedgerReady.WaitAsync(stoppingToken);
        redis.ConnectionRestored += (_, _) => Volatile.Read(ref restored).TrySetResult();
        var cameBack = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (restored.Task.IsCompleted)
                {
                    // Whoever comes back during the look is looked at again.
                    Volatile.Write(ref restored, NewSignal());
                    cameBack = true;
                }

                var before = rebuilds;
                if (await LookAsync(stoppingToken))
                {
                    // One that is as it was may still have missed totals, and change capture doesn't repeat them.
                    if (cameBack && rebuilds == before) loader.RequestSweep();
                    cameBack = false;
                }

                brokenBy = null;
                outages.Ended(this);
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                // The next tick looks again. What a rebuild had begun stays fenced.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // What somebody wrote into a store by hand may be anything. Nothing is sold meanwhile, and what can be
                // captured, settled and audited still is: all of that lives in this process too.
                var reason = e.GetBaseException().Message;
                if (brokenBy != reason) Broken(reason, e);
                brokenBy = reason;
            }

            await Task.WhenAny(
                restored.Task, Task.Delay(options.Value.FenceCheckInterval, time, stoppingToken));
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<bool> IsTrustedAsync(Partition partition, CancellationToken cancellation)
    {
        // The ledger first: what is stored was in the stream before.
        var (epoch, stored) = await fences.ReadAsync(partition.Index, cancellation);
        var look = await stock.LookAsync(partition);
        if (look.Outcome != VerifyOutcome.Verified || StockRebuild.NumberOf(look.Epoch) != epoch) return false;
        return stored is null || StreamIds.Compare(stored, await stock.ReadLastEventIdAsync(partition)) <= 0;
    }

    private async Task<bool> RebuildAsync(Partition partition, CancellationToken cancellation)
    {
        await using var turn = await RebuildTurn.TryTakeAsync(ledger, partition.Index, cancellation);
        // Whoever has it rebuilds, which is as good.
        if (turn is null) return false;
        if (await IsTrustedAsync(partition, cancellation)) return true;
        rebuilds++;
        return await rebuild.RunAsync(partition, turn, cancellation);
    }

    [LoggerMessage(1, LogLevel.Error,
        "Redis can't be checked or rebuilt because of something that can't be read; it is tried again: {Reason}")]
    private partial void Broken(string reason, Exception failure);
}
