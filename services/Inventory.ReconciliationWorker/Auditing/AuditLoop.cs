using Microsoft.Extensions.Options;
using Npgsql;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>
/// Audits again and again, and whenever somebody asks. Any number of instances may run: one audits, the others wait for
/// its place. Runs come one after the other; one that was asked for begins between two pages of a cycle.
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
    // A person waits for the answer; one query of an index without rows costs next to nothing.
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Sign = TimeSpan.FromSeconds(1);

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
                // Whoever rebuilds says what happens. The audit looks again when it is over.
            }
            catch (Exception e) when (StoreOutages.Explains(e))
            {
                stoppingToken.ThrowIfCancellationRequested();
                outages.Began(this, e);
                await SignAsync("waiting: " + e.GetBaseException().Message, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // What somebody wrote into a store by hand may be anything. Whatever the audit can't read must not end
                // this process: change capture and the fence live in it too.
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

    /// <summary>Waits for the lock, and audits while it lasts.</summary>
    private async Task AuditAloneAsync(CancellationToken cancellation)
    {
        await using var connection = await ledger.OpenConnectionAsync(cancellation);
        await using var acquire = new NpgsqlCommand(
            "SELECT pg_try_advisory_lock(hashtextextended('inventory-audit', 0))", connection);
        while (!(bool)(await acquire.ExecuteScalarAsync(cancellation))!) await Task.Delay(Sign, time, cancellation);
        try
        {
            await book.AbandonAsync(cancellation);
            while (true)
            {
                // Also proof that the session, and so the lock, is alive.
                await using (var ping = new NpgsqlCommand("SELECT 1", connection))
                {
                    await ping.ExecuteScalarAsync(cancellation);
                }

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
        finally
        {
            await ReleaseAsync(connection);
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
            // Nobody can read the sign either.
            outages.Began(this, e);
        }
    }

    private static async Task ReleaseAsync(NpgsqlConnection connection)
    {
        try
        {
            // The pool would reset the session only when somebody uses it again.
            await using var release = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection);
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The session has ended, and its lock with it.
        }
    }

    [LoggerMessage(1, LogLevel.Information,
        "Audit run {Run} of {Subject}, {Mode}, is done: {Found} findings, {Repaired} repairs.")]
    private partial void Asked(long run, string subject, string mode, long found, long repaired);

    [LoggerMessage(2, LogLevel.Error,
        "The audit breaks off at something it can't read, and tries again: {Reason} Audit single SKUs to find it.")]
    private partial void Broken(string reason, Exception failure);
}
