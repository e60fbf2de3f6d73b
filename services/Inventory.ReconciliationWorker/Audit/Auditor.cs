using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Executes one audit run.</summary>
/// <remarks>Holds are audited before counters, so that they are repaired before their units are added up.</remarks>
public sealed class Auditor(
    Maintenance maintenance,
    HoldAudit holds,
    ReservationAudit reservations,
    StockAudit skus,
    BoughtAudit bought,
    OrderAudit orders,
    OrphanAudit orphans,
    AuditBook book,
    StockRepair repair,
    AuditSession session,
    AuditMetrics metrics,
    TimeProvider time)
{
    /// <summary>Executes a run, and stores its result.</summary>
    /// <exception cref="FenceDownException">Redis is being verified or rebuilt; the run has failed.</exception>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        session.Begin();
        try
        {
            if (await maintenance.IsFencedAsync()) throw new FenceDownException();
            await FinishRepairsAsync(run, cancellation);
            await holds.RunAsync(run, cancellation);
            await reservations.RunAsync(run, cancellation);
            await skus.RunAsync(run, cancellation);
            if (run.IsWhole)
            {
                await bought.RunAsync(run, cancellation);
                await orders.RunAsync(run, cancellation);
                await orphans.RunAsync(run, cancellation);
            }

            await session.CloseAsync(run, cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            await book.WriteAsync(run, "failed", e.GetBaseException().Message, cancellation);
            throw;
        }

        run.Phase = "";
        await book.WriteAsync(run, "completed", null, cancellation);
        if (run is { IsWhole: true, DryRun: false }) metrics.Completed(time.GetElapsedTime(began), time.GetTimestamp());
    }

    /// <summary>
    /// Repairs the SKUs that are closed: a process has died while it repaired them, or Redis had lost their counters.
    /// </summary>
    public async Task FinishRepairsAsync(AuditRun run, CancellationToken cancellation)
    {
        foreach (var partition in maintenance.Partitions)
        {
            foreach (var sku in await maintenance.ReadFencedSkusAsync(partition))
            {
                if (!run.IsWhole && sku != run.Sku) continue;
                await session.ReportAsync(
                    run,
                    new(FindingKind.Unreadable, sku, "", "open for sale", "closed for a repair",
                        "The process that repaired the SKU died, or Redis had lost the SKU's counters while it had "
                            + "holds. Until it is repaired, nothing of the SKU is sold or released.",
                        $"among the closed SKUs of partition {partition.Index}"),
                    () => repair.SkuAsync(run, sku, cancellation), cancellation, isBegun: true);
            }
        }
    }
}
