using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// Finds orphans, which only a scan of Redis as a whole can find: SKUs that PostgreSQL doesn't know, customers' entries
/// that list reservations they don't hold, and confirmed reservations without an order.
/// </summary>
public sealed class OrphanAudit(
    EventStream events, AuditReader audit, LedgerReading ledger, StockRepair repair, AuditBook book,
    AuditSession session)
{
    private const int Step = 50;
    private const int BucketsAtOnce = 256;
    private const int EventsAtOnce = 500;

    private static readonly string[] Buckets =
        [.. Enumerable.Range(0, 0x1000).Select(number => number.ToString("x3", null))];

    // The position in each partition's events up to which the last run read them. Kept in memory; after a restart the
    // whole stream is read.
    private readonly Dictionary<int, string> readUpTo = [];

    /// <summary>Audits all partitions.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        foreach (var partition in audit.Partitions)
        {
            run.Phase = "customers";
            await UnitsAsync(run, partition, cancellation);
            run.Phase = "unknown SKUs";
            await SkusAsync(run, partition, cancellation);
            run.Phase = "confirmed";
            await ConfirmedAsync(run, partition, cancellation);
        }

        await OrdersAsync(run, await book.ReadMissingOrdersAsync(cancellation), cancellation);
    }

    private async Task UnitsAsync(AuditRun run, Partition partition, CancellationToken cancellation)
    {
        var page = new List<(string Bucket, string Field)>(Step);
        foreach (var buckets in Buckets.Chunk(BucketsAtOnce))
        {
            var lengths = await audit.HashLengthsAsync(buckets.Select(partition.Units));
            foreach (var bucket in buckets.Where((_, i) => lengths[i] < 0))
            {
                await session.ReportAsync(
                    run, UnreadableAccount("", $"{partition.Units(bucket)}", "the key has another type"), null,
                    cancellation);
            }

            foreach (var bucket in buckets.Where((_, i) => lengths[i] > 0))
            {
                await foreach (var entry in audit.ScanHashAsync(partition.Units(bucket)).WithCancellation(cancellation))
                {
                    // An entry with only a number has no holds; each hold is appended after a space.
                    if (entry.Value.TryParse(out long bought) && bought >= 0) continue;
                    page.Add((bucket, (string)entry.Name!));
                    if (page.Count < Step) continue;
                    await UnitsPageAsync(run, partition, page, cancellation);
                    page.Clear();
                }
            }
        }

        if (page.Count > 0) await UnitsPageAsync(run, partition, page, cancellation);
    }

    private async Task UnitsPageAsync(
        AuditRun run, Partition partition, List<(string Bucket, string Field)> page, CancellationToken cancellation)
    {
        var found = await audit.AuditUnitsAsync(partition, page) ?? throw new FenceDownException();
        foreach (var wrong in found)
        {
            if (wrong.Unreadable.Length > 0)
            {
                await session.ReportAsync(
                    run, UnreadableAccount(wrong.Sku, $"{wrong.Bucket}{wrong.Field}", wrong.Unreadable), null,
                    cancellation);
                continue;
            }

            await session.ReportAsync(
                run,
                new(FindingKind.CustomerUnits, wrong.Sku, $"{wrong.Bucket}{wrong.Field}", "only active holds",
                    $"also {wrong.Orphans}",
                    "The customer's entry lists a hold that doesn't exist: a limit would refuse them too early.",
                    "seen in one step"),
                () => repair.StraysAsync(
                    run, partition, [new("units", wrong.Bucket, wrong.Field)], wrong.Sku, cancellation),
                cancellation);
        }

        await session.RestAsync(run, page.Count, cancellation);
    }

    private static Finding UnreadableAccount(string sku, string subject, string what) => new(
        FindingKind.Unreadable, sku, subject, "customers' entries as the scripts write them", what,
        "Redis was changed by hand. The customers concerned can't hold or release anything of the SKUs "
            + "concerned.",
        "seen in one step");

    private async Task SkusAsync(AuditRun run, Partition partition, CancellationToken cancellation)
    {
        var page = new List<string>(session.Options.PageSize);
        await foreach (var sku in audit.ScanSkusAsync(partition).WithCancellation(cancellation))
        {
            page.Add(sku);
            if (page.Count < session.Options.PageSize) continue;
            await SkusPageAsync(run, partition, page, cancellation);
            page.Clear();
        }

        if (page.Count > 0) await SkusPageAsync(run, partition, page, cancellation);
    }

    private async Task SkusPageAsync(
        AuditRun run, Partition partition, List<string> page, CancellationToken cancellation)
    {
        var unknown = await UnknownAsync(page, cancellation);
        if (unknown.Count > 0)
        {
            // A SKU is committed to PostgreSQL before it is sent to Redis. Other sessions may see it a moment later, so
            // PostgreSQL is asked twice.
            await session.WaitAsync(cancellation);
            unknown = await UnknownAsync(unknown, cancellation);
        }

        foreach (var sku in unknown)
        {
            var look = (await audit.AuditStockAsync(partition, [sku]) ?? throw new FenceDownException()).Skus[0];
            if (look.State == LookState.Unknown && look.Deadlines == 0) continue;
            if (look.State == LookState.Unreadable)
            {
                var form = new StockComparison(EmptyLevel(sku), look, EmptyLevel(sku)).CompareForm()!;
                await session.ReportAsync(
                    run, form, () => repair.SkuAsync(run, sku, cancellation), cancellation);
                continue;
            }

            await session.ReportAsync(
                run,
                new(FindingKind.UnknownToLedger, sku, "", "no such SKU, as in PostgreSQL",
                    $"total {look.Total}, reserved {look.Reserved}",
                    "Redis sells a SKU that PostgreSQL doesn't know, so that none of its holds can become an order: "
                        + "Redis was changed by hand, or it belongs to another installation.",
                    $"Redis version {look.Version}, looked up in PostgreSQL twice"),
                // Once paused, there is nothing more to do until its holds have ended.
                look is { Paused: true, Reserved: > 0 } ? null : () => repair.SkuAsync(run, sku, cancellation),
                cancellation);
        }

        await session.RestAsync(run, page.Count, cancellation);
    }

    private static LedgerLevel EmptyLevel(string sku) => new(sku, 0, 0, null, false, null);

    private async Task<List<string>> UnknownAsync(List<string> skus, CancellationToken cancellation)
    {
        var known = (await ledger.ReadLevelsAsync(skus, cancellation)).Select(level => level.Sku).ToHashSet();
        return [.. skus.Where(sku => !known.Contains(sku)).Distinct()];
    }

    private async Task ConfirmedAsync(AuditRun run, Partition partition, CancellationToken cancellation)
    {
        // A dry run changes no state, including the position in the stream.
        var from = readUpTo.GetValueOrDefault(partition.Index);
        while (true)
        {
            var stretch = await events.ReadStreamAsync(partition, from, EventsAtOnce);
            // Events are stored before they are trimmed. Trimmed events were also audited before, unless the worker was
            // down.
            var records = stretch.Records.SkipWhile(record => record.Id == from).ToList();
            if (records.Count == 0) break;
            var confirmed = records
                .Where(record => record.Fields.Any(field => field is { Key: "type", Value: "confirmed" }))
                .Select(record => record.Fields.First(field => field.Key == "reservation").Value);
            await OrdersAsync(run, [.. confirmed.Select(key => ReservationKey.Parse(key))], cancellation);
            from = records[^1].Id;
            await session.RestAsync(run, records.Count, cancellation);
        }

        if (from is not null && !run.DryRun) readUpTo[partition.Index] = from;
    }

    private async Task OrdersAsync(AuditRun run, List<Guid> ids, CancellationToken cancellation)
    {
        if (ids.Count == 0) return;
        // The order is committed to PostgreSQL before the confirmed event exists.
        var ordered = await ledger.ReadOrderedAsync(ids, cancellation);
        foreach (var id in ids.Where(id => !ordered.Contains(id)))
        {
            await session.ReportAsync(
                run,
                new(FindingKind.OrderMissing, "", id.ToString(), "an order, written before Redis is told of it",
                    "no order",
                    "Redis has sold the units of this reservation, and PostgreSQL has no order for it: the database "
                        + "was restored from a backup, or the hold was committed by hand.",
                    "the event confirmed, and no row among the orders afterwards"),
                null, cancellation);
        }
    }
}
