using Inventory.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// Runs audits in cycles and on request. Any number of instances may run: one is the leader and audits, the others wait
/// to take over. Runs execute one after the other; a requested run begins between two pages of a cycle.
/// </summary>
public sealed partial class AuditLoop(
    StockLoader loader,
    Auditor auditor,
    AuditBook book,
    AuditSession session,
    AuditMetrics metrics,
    StoreOutages outages,
    NpgsqlDataSource ledger,
    IOptions<AuditOptions> options,
    TimeProvider time,
    ILogger<AuditLoop> log) : BackgroundService
{
    // An operator waits for the answer of a requested run; one query of an empty index costs next to nothing.
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Sign = TimeSpan.FromSeconds(1);
    private static readonly AdvisoryLock Lock = AdvisoryLock.Named("inventory-audit");

    private long polledAt;
    private long signedAt;
    private long cycleEndedAt;
    private bool inRequest;
    private string? brokenBy;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loader.LedgerReady.WaitAsync(stoppingToken);
        session.BetweenPages = MeanwhileAsync;
        while (true)
        {
            try
            {
                await AuditAloneAsync(stoppingToken);
            }
            catch (FenceDownException)
            {
                // The instance that rebuilds logs it. The audit continues after the rebuild.
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
                await SignAsync("waiting: " + e.GetBaseException().Message, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // A store may contain anything that was written by hand. Data that the audit can't read must not end
                // this process: change capture and the fence run in it too.
                var reason = e.GetBaseException().Message;
                if (brokenBy != reason) Broken(reason, e);
                brokenBy = reason;
                await SignAsync("broken: " + reason, stoppingToken);
            }
            finally
            {
                metrics.Left();
            }

            await Task.Delay(Sign, time, stoppingToken);
        }
    }

    /// <summary>Waits for the lock, and audits while it holds the lock.</summary>
    private async Task AuditAloneAsync(CancellationToken cancellation)
    {
        await using var leadership = await LeadAsync(cancellation);
        await book.AbandonAsync(cancellation);
        while (true)
        {
            await leadership.KeepAsync(cancellation);
            await ServeAsync(cancellation);
            await SignAsync("idle", cancellation);
            outages.Ended(this);
            if (cycleEndedAt == 0 || time.GetElapsedTime(cycleEndedAt) >= options.Value.Interval)
            {
                await CycleAsync(cancellation);
            }

            await Task.Delay(Poll, time, cancellation);
        }
    }

    private async Task<AdvisoryLease> LeadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            // A run may take longer than any idle time, and leaves the session alone.
            if (await AdvisoryLease.TryTakeAsync(ledger, Lock, Timeout.InfiniteTimeSpan, cancellation) is { } lease)
            {
                return lease;
            }

            await Task.Delay(Sign, time, cancellation);
        }
    }

    private async Task CycleAsync(CancellationToken cancellation)
    {
        var run = await book.BeginCycleAsync(options.Value.AutomaticRepair, cancellation);
        try
        {
            await auditor.RunAsync(run, cancellation);
            brokenBy = null;
        }
        finally
        {
            cycleEndedAt = time.GetTimestamp();
        }

        await book.PruneAsync(options.Value.KeepRuns, options.Value.KeepFindings, cancellation);
    }

    private async Task ServeAsync(CancellationToken cancellation)
    {
        while (await book.TakeRequestAsync(cancellation) is { } run)
        {
            inRequest = true;
            try
            {
                await auditor.RunAsync(run, cancellation);
                Asked(
                    run.Id, run.IsWhole ? "every SKU" : run.Sku, run.DryRun ? "dry" : "repairing",
                    run.Found, run.Repaired);
            }
            finally
            {
                inRequest = false;
            }
        }
    }

    private async Task MeanwhileAsync(AuditRun run, CancellationToken cancellation)
    {
        if (polledAt != 0 && time.GetElapsedTime(polledAt) < Poll) return;
        polledAt = time.GetTimestamp();
        await book.WriteAsync(run, "running", null, cancellation);
        await SignAsync($"run {run.Id}: {run.Phase}", cancellation);
        // A cycle of a large shop takes minutes, and a closed SKU isn't sold.
        if (!run.DryRun) await auditor.FinishRepairsAsync(run, cancellation);
        if (!inRequest) await ServeAsync(cancellation);
    }

    private async Task SignAsync(string state, CancellationToken cancellation)
    {
        if (signedAt != 0 && time.GetElapsedTime(signedAt) < Sign) return;
        signedAt = time.GetTimestamp();
        try
        {
            await book.SeenAsync(state, cancellation);
        }
        catch (Exception e) when (StoreOutages.Explains(e))
        {
            // Operators can't read the heartbeat during the outage either.
            outages.Began(this, e);
        }
    }

    [LoggerMessage(1, LogLevel.Information,
        "Audit run {Run} of {Subject}, {Mode}, is done: {Found} findings, {Repaired} repairs.")]
    private partial void Asked(long run, string subject, string mode, long found, long repaired);

    [LoggerMessage(2, LogLevel.Error,
        "The audit breaks off at data that it can't read, and tries again: {Reason} Audit single SKUs to find it.")]
    private partial void Broken(string reason, Exception failure);
}
