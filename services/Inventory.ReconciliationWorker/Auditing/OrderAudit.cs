namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>
/// Compares what orders say with the movements that they left: of each SKU as many units moved as orders that stand
/// have, and of a cancelled order none in the end.
/// </summary>
/// <remarks>
/// Absent: a repair. Both are the system of record's, and nothing tells which of them is right.
/// </remarks>
public sealed class OrderAudit(OrderReading orders, AuditSession session)
{
    private const int MostShown = 5;

    private static readonly Guid Last = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    private readonly AuditPass<Guid> pass = new(Guid.Empty, FindingKind.OrderMovements);

    /// <summary>Looks at the orders whose turn it is.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        run.Phase = "orders";
        var turn = pass.Begin(run);
        for (var done = 0; done < session.ItemsOfOnePass;)
        {
            var ids = await orders.ReadIdsAsync(turn.After, session.Options.PageSize, cancellation);
            // Behind the last order there may be movements that name none. What is written meanwhile is whole.
            var end = ids.Count < session.Options.PageSize ? Last : ids[^1];
            var wrong = await orders.ReadWrongAsync(turn.After, end, cancellation);
            foreach (var sku in wrong.GroupBy(one => one.Sku))
            {
                await ReportAsync(run, turn, sku.Key, [.. sku], cancellation);
            }

            turn.After = end;
            done += Math.Max(1, ids.Count);
            await session.RestAsync(run, ids.Count, cancellation);
            if (end == Last)
            {
                await session.EndAsync(run, pass, turn, cancellation);
                return;
            }
        }
    }

    private async Task ReportAsync(
        AuditRun run, AuditTurn<Guid> turn, string sku, List<WrongOrder> page, CancellationToken cancellation)
    {
        // What this pass has found of the SKU so far; no more of them are kept than are remembered as findings.
        if (!turn.Sums.TryGetValue(sku, out var sum) && turn.Sums.Count >= AuditRun.MaxRemembered) return;
        sum = turn.Sums[sku] = (
            sum.Orders + page.Count,
            sum.Ordered + page.Sum(one => one.Ordered),
            sum.Moved + page.Sum(one => one.Moved));
        await session.ReportAsync(
            run,
            new(FindingKind.OrderMovements, sku, "",
                $"{-sum.Ordered} units moved by {sum.Orders} orders that have {sum.Ordered} units",
                $"{sum.Moved} units moved",
                "Orders and the movements that they left disagree: somebody changed one of them by hand. The total may "
                    + "be wrong by the difference; count the units, and adjust.",
                "orders " + string.Join(", ", page.Take(MostShown).Select(one => one.Order))
                    + (page.Count > MostShown ? " and others" : "")),
            null, cancellation);
    }
}
