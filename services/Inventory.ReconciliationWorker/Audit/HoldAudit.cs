using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// Compares every hold with its deadline or lease, its customer's entry, the ledger's row and the orders.
/// </summary>
public sealed class HoldAudit(AuditReader audit, LedgerReading ledger, StockRepair repair, AuditSession session)
{
    /// <summary>Two characters of a reservation's key name its bucket.</summary>
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// <summary>Number of holds in one script call: it blocks Redis for less than a millisecond.</summary>
    private const int Step = 50;

    private const int BucketsAtOnce = 256;

    private static readonly string[] Buckets =
        [.. Alphabet.SelectMany(first => Alphabet.Select(second => $"{first}{second}"))];

    /// <summary>Audits all holds, or those of the run's SKU.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        run.Phase = "holds";
        if (!run.IsWhole)
        {
            var partition = audit.PartitionOf(run.Sku);
            await foreach (var page in IdsAsync(partition, run.Sku, (_, _) => Task.CompletedTask, cancellation))
            {
                await PageAsync(run, partition, page, cancellation);
            }

            return;
        }

        foreach (var partition in audit.Partitions)
        {
            var unreadable = (string what, Stray stray) => session.ReportAsync(
                run, UnreadableHolds.Stray(what, partition),
                () => repair.StraysAsync(run, partition, [stray], "", cancellation), cancellation);
            await foreach (var page in IdsAsync(partition, null, unreadable, cancellation))
            {
                await PageAsync(run, partition, page, cancellation);
                await session.RestAsync(run, page.Count, cancellation);
            }
        }
    }

    private async Task PageAsync(
        AuditRun run, Partition partition, IReadOnlyList<Guid> ids, CancellationToken cancellation)
    {
        var looked = await LookAsync(partition, ids);
        var holds = looked.Holds.Where(look => look.IsActive).ToList();
        session.Compared(run, 0, holds.Count);
        foreach (var hold in looked.Holds.Where(look => look.IsUnreadable))
        {
            var row = (await ledger.ReadReservationsAsync(partition.Index, [hold.Id], cancellation)).Values
                .SingleOrDefault();
            await UnreadableHolds.ReportAsync(session, repair, run, partition, hold, row, cancellation);
        }

        if (holds.Count == 0) return;
        var rows = await ledger.ReadReservationsAsync(partition.Index, holds.Select(look => look.Id), cancellation);
        foreach (var hold in holds.Where(look => look.Faults.Length > 0))
        {
            var finding = Misplaced(hold, rows.GetValueOrDefault(hold.Id));
            await session.ReportAsync(
                run, finding, () => repair.SkuAsync(run, finding.Sku, cancellation), cancellation);
        }

        await OrdersAsync(run, partition, holds, cancellation);
        await RowsAsync(run, partition, holds, rows, looked.LastEvent, cancellation);
    }

    private async Task OrdersAsync(
        AuditRun run, Partition partition, List<HoldLook> holds, CancellationToken cancellation)
    {
        // A pinned hold with an order is about to be committed, by its confirm or by PinResolver, so only pending holds
        // are checked.
        var ordered = await ledger.ReadOrderedAsync(
            holds.Where(look => look.State == 'p').Select(look => look.Id), cancellation);
        foreach (var hold in await StillAsync(partition, [.. holds.Where(look => ordered.Contains(look.Id))]))
        {
            await session.ReportAsync(
                run,
                new(FindingKind.OrderedHold, hold.Lines[0].Sku, hold.Id.ToString(), "no hold: it has become an order",
                    $"a pending hold of {Text(hold.Lines)}",
                    "The order is written and its units are sold, but the hold is still pending: "
                        + "Redis lost the pin, and an older copy of its data was started.",
                    $"hold sequence {hold.Sequence}, not pinned before and after the order was read"),
                () => repair.SkuAsync(run, hold.Lines[0].Sku, cancellation),
                cancellation);
        }
    }

    private async Task RowsAsync(
        AuditRun run, Partition partition, List<HoldLook> holds, Dictionary<Guid, LedgerReservation> rows,
        string lastEvent, CancellationToken cancellation)
    {
        var suspects = holds.Where(hold => !Agrees(hold, rows.GetValueOrDefault(hold.Id))).ToList();
        if (suspects.Count == 0) return;
        if (!await session.WaitUntilStoredAsync(run, partition.Index, lastEvent, cancellation))
        {
            session.Undecided(run, suspects.Count);
            return;
        }

        rows = await ledger.ReadReservationsAsync(partition.Index, suspects.Select(hold => hold.Id), cancellation);
        suspects = [.. suspects.Where(hold => !Agrees(hold, rows.GetValueOrDefault(hold.Id)))];
        // A row may be newer than the hold that was read. A hold that is still unchanged now has to agree with its row.
        foreach (var hold in await StillAsync(partition, suspects))
        {
            var row = rows.GetValueOrDefault(hold.Id);
            var finding = row is null || row.Sequence < hold.Sequence ? Unrecorded(hold, row, lastEvent)
                : row.Status == ReservationStatusNames.Pending ? Changed(hold, row)
                : Ended(hold, row);
            // What PostgreSQL doesn't know can't be repaired from it.
            var isKnown = finding.Kind != FindingKind.UnrecordedHold;
            await session.ReportAsync(
                run, finding, isKnown ? () => repair.SkuAsync(run, finding.Sku, cancellation) : null, cancellation);
        }
    }

    /// <summary>A row with a later event is newer than the hold that was read.</summary>
    private static bool Agrees(HoldLook hold, LedgerReservation? row) =>
        row is { Status: ReservationStatusNames.Pending } && (row.Sequence > hold.Sequence
            || (row.Sequence == hold.Sequence
                && HoldMatch.IsAsStored(hold.Holder!.Value, hold.Lines, row.Holder, LinesJson.ReadOrEmpty(row.Lines))));

    /// <summary>Returns the holds that have not changed since they were first read.</summary>
    private async Task<IEnumerable<HoldLook>> StillAsync(Partition partition, List<HoldLook> holds)
    {
        if (holds.Count == 0) return [];
        var again = (await LookAsync(partition, [.. holds.Select(hold => hold.Id)])).Holds
            .ToDictionary(look => look.Id);
        return holds.Where(hold =>
            again[hold.Id].State == hold.State && again[hold.Id].Sequence == hold.Sequence);
    }

    /// <summary>Reads holds in steps. All of them are of the time of the last event at the latest.</summary>
    private async Task<HoldLooks> LookAsync(Partition partition, IReadOnlyList<Guid> ids)
    {
        var (holds, last) = (new List<HoldLook>(ids.Count), default(HoldLooks));
        foreach (var step in ids.Chunk(Step))
        {
            last = await audit.AuditHoldsAsync(partition, step) ?? throw new FenceDownException();
            holds.AddRange(last.Holds);
        }

        return last! with { Holds = holds };
    }

    /// <summary>Ids of a partition's holds, bucket by bucket, while other clients write to them.</summary>
    private async IAsyncEnumerable<IReadOnlyList<Guid>> IdsAsync(
        Partition partition, string? sku, Func<string, Stray, Task> unreadable,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var size = session.Options.PageSize;
        var page = new List<Guid>(size);
        foreach (var buckets in Buckets.Chunk(BucketsAtOnce))
        {
            cancellation.ThrowIfCancellationRequested();
            var lengths = await audit.HashLengthsAsync(buckets.Select(partition.Holds));
            foreach (var bucket in buckets.Where((_, i) => lengths[i] < 0))
            {
                await unreadable($"{partition.Holds(bucket)} has another type", new("holds", bucket, ""));
            }

            foreach (var bucket in buckets.Where((_, i) => lengths[i] > 0))
            {
                await foreach (var entry in audit.ScanHashAsync(partition.Holds(bucket)).WithCancellation(cancellation))
                {
                    if (!ReservationKey.IsKey((string)entry.Name!))
                    {
                        await unreadable(
                            $"a field of {partition.Holds(bucket)} names no reservation",
                            new("holds", bucket, (string)entry.Name!));
                        continue;
                    }

                    // An unreadable hold may be one of this SKU.
                    if (sku is not null && HoldText.Parse(entry.Value) is { } hold
                        && hold.Lines.All(line => line.Sku != sku)) continue;
                    page.Add(ReservationKey.Parse((string)entry.Name!));
                    if (page.Count < size) continue;
                    yield return page;
                    page = new(size);
                }
            }
        }

        if (page.Count > 0) yield return page;
    }

    private static bool IsUnscheduled(HoldLook hold) => hold.Faults.Split(',').Any(fault => fault is "due" or "lease");

    private static string Text(IReadOnlyList<Line> lines) =>
        string.Join(", ", lines.Select(line => $"{line.Quantity} of {line.Sku}"));

    /// <summary>The SKU is one of the row's: the hold's may have been changed by hand, as its entries.</summary>
    private static Finding Misplaced(HoldLook hold, LedgerReservation? row)
    {
        var stored = row is null ? [] : LinesJson.ReadOrEmpty(row.Lines);
        var sku = (stored.Count > 0 ? stored : hold.Lines)[0].Sku;
        return IsUnscheduled(hold)
            ? new(FindingKind.HoldUnscheduled, sku, hold.Id.ToString(),
                hold.State == 'p' ? "a deadline for each SKU of the hold" : "a lease", $"missing: {hold.Faults}",
                $"This hold of {Text(hold.Lines)} would never end: its entry among deadlines or leases was lost, "
                    + "by hand or with an older copy of the data.",
                $"state {hold.State}, sequence {hold.Sequence}, seen in one step")
            : new(FindingKind.CustomerUnits, sku, hold.Id.ToString(),
                $"{hold.Holder?.Text} has {Text(hold.Lines)}", $"wrong entry: {hold.Faults}",
                "The customer's entry doesn't list this hold as it is, so limits per customer would not be enforced.",
                $"state {hold.State}, sequence {hold.Sequence}, seen in one step");
    }

    private static Finding Ended(HoldLook hold, LedgerReservation row) => new(
        FindingKind.EndedHold, hold.Lines[0].Sku, hold.Id.ToString(), $"no hold: {row.Status}",
        $"a hold of {Text(hold.Lines)}",
        "By its stored events the reservation has ended, but its hold exists: an older copy of the data was started. "
            + "It keeps its units until its deadline; nothing is sold twice by it.",
        $"ledger sequence {row.Sequence}, Redis sequence {hold.Sequence}");

    /// <summary>Names a SKU of the row; the hold may no longer have units of it.</summary>
    private static Finding Changed(HoldLook hold, LedgerReservation row)
    {
        var stored = LinesJson.Read(row.Lines);
        return new(
            FindingKind.ChangedHold, stored[0].Sku, hold.Id.ToString(), $"{row.Holder} has {Text(stored)}",
            $"{hold.Holder?.Text} has {Text(hold.Lines)}",
            "By its stored events the hold has another holder or other lines: Redis was changed by hand.",
            $"sequence {hold.Sequence} in both stores");
    }

    private static Finding Unrecorded(HoldLook hold, LedgerReservation? row, string lastEvent) => new(
        FindingKind.UnrecordedHold, hold.Lines[0].Sku, hold.Id.ToString(),
        $"its events up to {hold.Sequence} are stored",
        row is null ? "none is stored" : $"stored up to {row.Sequence}",
        "The hold exists, but the ledger lacks its events: check the dead letters. A rebuild of Redis "
            + "would not know of it.",
        $"events up to {lastEvent} are stored");
}
