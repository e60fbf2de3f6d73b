namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// Compares orders with their movements: for each SKU, the movements must sum up to the units of confirmed orders, and
/// to 0 for cancelled ones.
/// </summary>
/// <remarks>By design: no repair. Both are in the system of record, and nothing shows which of them is right.</remarks>
public sealed class OrderAudit(OrderReading orders, AuditSession session)
{
    private const int MostShown = 5;

    private static readonly Guid Last = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    private readonly AuditPass<Guid> pass = new(Guid.Empty, FindingKind.OrderMovements);

    /// <summary>Audits the next orders of the pass.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        run.Phase = "orders";
        var round = pass.Begin(run);
        for (var done = 0; done < session.ItemsOfOnePass;)
        {
            var ids = await orders.ReadIdsAsync(round.After, session.Options.PageSize, cancellation);
            // Movements may name an order id after the last order, so the last page covers all later ids. An order that
            // is written during the pass is complete, because it is one transaction.
            var end = ids.Count < session.Options.PageSize ? Last : ids[^1];
            var wrong = await orders.ReadWrongAsync(round.After, end, cancellation);
            foreach (var sku in wrong.GroupBy(one => one.Sku))
            {
                await ReportAsync(run, round, sku.Key, [.. sku], cancellation);
            }

            round.After = end;
            done += Math.Max(1, ids.Count);
            await session.RestAsync(run, ids.Count, cancellation);
            if (end == Last)
            {
                await session.EndAsync(run, pass, round, cancellation);
                return;
            }
        }
    }

    private async Task ReportAsync(
        AuditRun run, AuditRound<Guid> round, string sku, List<WrongOrder> page, CancellationToken cancellation)
    {
        // The sums of this pass for the SKU. Their number is limited as that of stored findings is.
        if (!round.Sums.TryGetValue(sku, out var sum) && round.Sums.Count >= AuditRun.MaxRemembered) return;
        sum = round.Sums[sku] = (
            sum.Orders + page.Count,
            sum.Ordered + page.Sum(one => one.Ordered),
            sum.Moved + page.Sum(one => one.Moved));
        await session.ReportAsync(
            run,
            new(FindingKind.OrderMovements, sku, "",
                $"{-sum.Ordered} units moved by {sum.Orders} orders that have {sum.Ordered} units",
                $"{sum.Moved} units moved",
                "Orders and their movements disagree: one of them was changed by hand. The total may "
                    + "be wrong by the difference; count the units, and adjust.",
                "orders " + string.Join(", ", page.Take(MostShown).Select(one => one.Order))
                    + (page.Count > MostShown ? " and others" : "")),
            null, cancellation);
    }
}
