using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>One audit, from its beginning to its end.</summary>
/// <remarks>
/// Holds come first and counters last: what a hold lacks is mended before the units under it are added up.
/// </remarks>
public sealed class Auditor(
    StockEngine stock,
    HoldAudit holds,
    ReservationAudit reservations,
    StockAudit skus,
    BoughtAudit bought,
    OrderAudit orders,
    OddsAudit odds,
    AuditBook book,
    AuditSession session,
    AuditMetrics metrics,
    TimeProvider time)
{
    /// <summary>Carries a run out, and writes down how it ended.</summary>
    /// <exception cref="FenceDownException">Redis is being checked or rebuilt; the run has failed.</exception>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        session.Begin();
        try
        {
            if (await stock.IsFencedAsync()) throw new FenceDownException();
            await holds.RunAsync(run, cancellation);
            await reservations.RunAsync(run, cancellation);
            await skus.RunAsync(run, cancellation);
            if (run.IsWhole)
            {
                await bought.RunAsync(run, cancellation);
                await orders.RunAsync(run, cancellation);
                await odds.RunAsync(run, cancellation);
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
}
