using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Storage;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>
/// Checks that each partition of Redis is the run that was last opened, and has the events that PostgreSQL has stored;
/// starts a rebuild otherwise. Any number of instances may run.
/// </summary>
/// <remarks>
/// Scripts detect a replaced server by themselves, at their first call. This worker also detects it when there are no
/// calls, and it detects an older set of data that was restored within the same run of the server, a key of another
/// type among those that all SKUs need, and events with ids of the far future.
/// </remarks>
public sealed partial class FenceWatch(
    Maintenance maintenance,
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
    /// <summary>The kind of the locks of rebuilds: "reb" in ASCII.</summary>
    private const int LockKind = 0x726562;

    // The fencing token in Redis keeps two rebuilds apart. The lease only keeps them from disturbing each other.
    private static readonly TimeSpan LeaseIdle = TimeSpan.FromSeconds(20);

    private TaskCompletionSource restored = NewSignal();
    private long? closedSince;
    private int rebuilds;
    private string? brokenBy;

    /// <summary>Whether every partition was open at least once since this process started.</summary>
    public bool HasOpened { get; private set; }

    /// <summary>Checks all partitions once, and rebuilds those that need it.</summary>
    /// <returns>Whether every partition may sell now.</returns>
    public async Task<bool> LookAsync(CancellationToken cancellation)
    {
        var open = true;
        foreach (var partition in maintenance.Partitions)
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
                    // A connection that is restored during the check causes another check.
                    Volatile.Write(ref restored, NewSignal());
                    cameBack = true;
                }

                var before = rebuilds;
                if (await LookAsync(stoppingToken))
                {
                    // A Redis that needed no rebuild may still have missed totals, and change capture doesn't repeat
                    // them.
                    if (cameBack && rebuilds == before) loader.RequestSweep();
                    cameBack = false;
                }

                brokenBy = null;
                outages.Ended(this);
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                // The next tick checks again. A partition stays fenced once its rebuild has begun.
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // A store may contain anything that was written by hand. Nothing is sold meanwhile, but the process
                // goes on, because change capture, settlement and the audit run in it too.
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
        // The ledger is read first: every stored event was in the stream before.
        var (epoch, stored) = await fences.ReadAsync(partition.Index, cancellation);
        var look = await maintenance.VerifyOrFenceAsync(partition);
        if (look.Outcome != VerifyOutcome.Verified || StockRebuild.NumberOf(look.Epoch) != epoch) return false;
        if ((await maintenance.FindMistypedAsync(partition)).Count > 0) return false;
        var (last, now) = (await maintenance.ReadLastEventIdAsync(partition), await maintenance.NowAsync());
        if (!StreamIds.IsPlausible(stored, now) || !StreamIds.IsPlausible(last, now)) return false;
        return stored is null || StreamIds.Compare(stored, last) <= 0;
    }

    private async Task<bool> RebuildAsync(Partition partition, CancellationToken cancellation)
    {
        await using var lease = await AdvisoryLease.TryTakeAsync(
            ledger, AdvisoryLock.Of(LockKind, partition.Index), LeaseIdle, cancellation);
        // Another instance rebuilds the partition.
        if (lease is null) return false;
        if (await IsTrustedAsync(partition, cancellation)) return true;
        rebuilds++;
        return await rebuild.RunAsync(partition, lease, cancellation);
    }

    [LoggerMessage(1, LogLevel.Error,
        "Redis can't be checked or rebuilt because of data that can't be read; it is tried again: {Reason}")]
    private partial void Broken(string reason, Exception failure);
}
