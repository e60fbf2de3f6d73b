using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Compares every SKU: totals, limits and versions of both stores, and counters with holds.</summary>
public sealed class StockAudit(
    AuditReader audit, LedgerReading ledger, StockRepair repair, OnlineHoldCounter large, AuditSession session)
{
    /// <summary>Audits all SKUs, or the run's SKU.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        run.Phase = "stock";
        if (!run.IsWhole)
        {
            await PageAsync(run, await ledger.ReadLevelsAsync([run.Sku], cancellation), cancellation);
            return;
        }

        await foreach (var page in ledger.ReadLevelsAsync(session.Options.PageSize, cancellation))
        {
            await PageAsync(run, page, cancellation);
            await session.RestAsync(run, page.Count, cancellation);
        }
    }

    private async Task PageAsync(AuditRun run, List<LedgerLevel> levels, CancellationToken cancellation)
    {
        foreach (var level in levels.Where(level => !Names.IsSku(level.Sku)))
        {
            await session.ReportAsync(run, NotASku(level), null, cancellation);
        }

        var page = levels.FindAll(level => Names.IsSku(level.Sku));
        var looks = await LookAsync(run, page, cancellation);
        session.Compared(run, page.Count, 0);
        var suspects = page.Where(level => StockComparison.IsSuspicious(level, looks[level.Sku]))
            .ToDictionary(level => level.Sku, StringComparer.Ordinal);
        var since = session.Now();
        while (suspects.Count > 0)
        {
            await session.WaitAsync(cancellation);
            var waited = session.IsPatienceOver(since);
            foreach (var comparison in await CompareAsync(run, suspects, cancellation))
            {
                var sku = comparison.Redis.Sku;
                if (comparison.IsUnderWay && !waited)
                {
                    // Redis must be behind the level that was read first. Being behind the latest level alone proves
                    // nothing.
                    if (comparison.Known < suspects[sku].Version) continue;
                    if (comparison.Redis.State == LookState.Unknown) continue;
                }

                await ReportAsync(run, comparison with { Before = suspects[sku] }, comparison, waited, cancellation);
                suspects.Remove(sku);
            }
        }
    }

    private async Task<List<StockComparison>> CompareAsync(
        AuditRun run, Dictionary<string, LedgerLevel> suspects, CancellationToken cancellation)
    {
        var before = await ledger.ReadLevelsAsync(suspects.Keys, cancellation);
        var looks = await LookAsync(run, before, cancellation);
        var after = (await ledger.ReadLevelsAsync(suspects.Keys, cancellation)).ToDictionary(level => level.Sku);
        return before.ConvertAll(level => new StockComparison(level, looks[level.Sku], after[level.Sku]));
    }

    /// <param name="run">The run.</param>
    /// <param name="aged">The comparison with the level that was read first, which should have arrived since.</param>
    /// <param name="latest">The comparison with the latest levels.</param>
    /// <param name="waited">Whether a change on its way would have arrived.</param>
    /// <param name="cancellation">Cancels the call.</param>
    private async Task ReportAsync(
        AuditRun run, StockComparison aged, StockComparison latest, bool waited, CancellationToken cancellation)
    {
        var sku = latest.Redis.Sku;
        if (latest.CompareForm() is { } form)
        {
            await RepairAsync(run, form, cancellation);
            return;
        }

        var totals = aged.CompareTotals(waited) is { Kind: not (FindingKind.Total or FindingKind.Limits) } behind
            ? behind
            : latest.CompareTotals(waited: false);
        if (totals is not null)
        {
            await RepairAsync(run, totals, cancellation);
        }
        else if (latest.IsOverPromised && latest.Redis.State == LookState.Counted)
        {
            await PromisedAsync(run, await OverPromisedAsync(latest, cancellation), cancellation);
        }

        if (latest.CompareDeadlines() is { } deadlines) await RepairAsync(run, deadlines, cancellation);
        if (latest.CompareReserved() is { } reserved) await RepairAsync(run, reserved, cancellation);
        if (latest.Redis.State == LookState.TooManyHolds) await LargeAsync(run, latest, cancellation);
        if (latest.IsChangedElsewhere)
        {
            await session.ExplainAsync(
                run, sku, () => repair.ExplainAsync(run, latest.After, cancellation));
        }
    }

    /// <summary>
    /// Change capture leaves such a product out of Redis, and so does every repair. Its row is older than the CHECK
    /// that refuses it now, and has no name under which it could be sold.
    /// </summary>
    private static Finding NotASku(LedgerLevel level) => new(
        FindingKind.NotASku, level.Sku, "", Names.SkuRule, $"a product with total {level.Total}",
        "The product was written by plain SQL before PostgreSQL checked names. It can't be sold; nothing of it is in "
            + "Redis.",
        $"version {level.Version}");

    private async Task<Finding> OverPromisedAsync(StockComparison comparison, CancellationToken cancellation) =>
        comparison.OverPromised(await ledger.ReadLoweredAsync(comparison.Redis.Sku, cancellation));

    private Task<bool> PromisedAsync(AuditRun run, Finding promised, CancellationToken cancellation) =>
        session.ReportAsync(
            run, promised,
            promised.Kind == FindingKind.Oversold ? () => repair.PauseAsync(run, promised.Sku, cancellation) : null,
            cancellation);

    private async Task PromisedBeforeAsync(AuditRun run, StockComparison latest, CancellationToken cancellation)
    {
        if (latest.IsOverPromised && large.PromisedBefore(latest.Redis.Sku) is { } known)
        {
            await PromisedAsync(run, known, cancellation);
        }
    }

    private async Task LargeAsync(AuditRun run, StockComparison latest, CancellationToken cancellation)
    {
        var sku = latest.Redis.Sku;
        if (!large.IsDue(run, sku))
        {
            // The cause can't have changed by itself; the next count decides again.
            await PromisedBeforeAsync(run, latest, cancellation);
            return;
        }

        var first = await large.CountAsync(sku, cancellation);
        if (first is null)
        {
            // Nothing is proven, so the last count's finding stays.
            session.Undecided(run, 1);
            await PromisedBeforeAsync(run, latest, cancellation);
            return;
        }

        var promised = first.AtEnd.IsOverPromised ? await OverPromisedAsync(first.AtEnd, cancellation) : null;
        large.Promised(sku, promised);
        if (promised is not null) await PromisedAsync(run, promised, cancellation);
        if (first.Counter == first.Held) return;
        // A real difference stays the same during any number of reservations.
        var second = await large.CountAsync(sku, cancellation);
        if (second is null || second.Counter - second.Held != first.Counter - first.Held)
        {
            session.Undecided(run, 1);
            return;
        }

        await RepairAsync(
            run, StockComparison.ReservedFinding(sku, second.Counter, second.Held, second.Evidence), cancellation);
    }

    private Task<bool> RepairAsync(AuditRun run, Finding finding, CancellationToken cancellation) =>
        session.ReportAsync(run, finding, () => repair.SkuAsync(run, finding.Sku, cancellation), cancellation);

    private async Task<Dictionary<string, StockLook>> LookAsync(
        AuditRun run, List<LedgerLevel> levels, CancellationToken cancellation)
    {
        var looks = new Dictionary<string, StockLook>(levels.Count, StringComparer.Ordinal);
        foreach (var partition in levels.Select(level => level.Sku).GroupBy(audit.PartitionOf))
        {
            var skus = partition.ToArray();
            // The cost of a step is limited, so a page takes as many steps as it needs.
            for (var done = 0; done < skus.Length;)
            {
                cancellation.ThrowIfCancellationRequested();
                var looked = await audit.AuditStockAsync(partition.Key, skus[done..Math.Min(skus.Length, done + 50)])
                    ?? throw new FenceDownException();
                foreach (var look in looked.Skus) looks.Add(look.Sku, look);
                done += looked.Skus.Count;
                if (looked.DanglingLeases.Length > 0)
                {
                    await LeasesAsync(run, partition.Key, looked.DanglingLeases, cancellation);
                }
            }
        }

        return looks;
    }

    private Task<bool> LeasesAsync(AuditRun run, Partition partition, string leases, CancellationToken cancellation)
    {
        var ids = leases.Split(',');
        return session.ReportAsync(
            run,
            new(FindingKind.Deadline, "", $"leases of partition {partition.Index}", "leases of confirming holds only",
                $"leases without a confirming hold: {string.Join(',', ids.Take(5))}" + (ids.Length > 5 ? ", …" : ""),
                "A lease belongs to no confirming hold. Many such leases delay the end of interrupted confirms.",
                "counted in one step"),
            () => repair.StraysAsync(
                run, partition, ids.Select(id => new Stray("leases", "", id)), "", cancellation),
            cancellation);
    }
}
