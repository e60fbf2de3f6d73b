using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Compares every reservation that is pending in the ledger with its hold in Redis.</summary>
public sealed class ReservationAudit(
    AuditReader audit, LedgerReading ledger, StockRepair repair, AuditSession session)
{
    private const int Step = 50;

    /// <summary>Audits all pending rows, or those of the run's SKU.</summary>
    public async Task RunAsync(AuditRun run, CancellationToken cancellation)
    {
        run.Phase = "reservations";
        await foreach (var page in ledger.ReadPendingAsync(run.Sku, session.Options.PageSize, cancellation))
        {
            foreach (var row in page.Where(row => LinesOf(row).Count == 0))
            {
                await session.ReportAsync(run, UnreadableLines(row), null, cancellation);
            }

            await PageAsync(run, [.. page.Where(row => LinesOf(row).Count > 0)], cancellation);
            await session.RestAsync(run, page.Count, cancellation);
        }
    }

    private static IReadOnlyList<Line> LinesOf(LedgerReservation row) => LinesJson.ReadOrEmpty(row.Lines);

    /// <summary>Only an operator knows what the row should be. A rebuild of Redis leaves it out.</summary>
    private static Finding UnreadableLines(LedgerReservation row) => new(
        FindingKind.Unreadable, "", row.Id.ToString(), "lines, each with a SKU and a quantity", row.Lines,
        "The row was written by plain SQL before PostgreSQL checked it. Its hold, if it has one, would be lost with "
            + "Redis' data.",
        $"pending in partition {row.Partition} with sequence {row.Sequence}");

    private async Task PageAsync(AuditRun run, List<LedgerReservation> page, CancellationToken cancellation)
    {
        run.Reservations += page.Count;
        var known = audit.Partitions.Select(partition => partition.Index).ToHashSet();
        foreach (var rows in page.Where(row => known.Contains(row.Partition)).GroupBy(row => row.Partition))
        {
            var partition = new Partition(rows.Key);
            var missing = new List<LedgerReservation>();
            var lastEvent = "0-0";
            foreach (var chunk in rows.Chunk(Step))
            {
                (lastEvent, var looks) = await LookAsync(partition, chunk);
                foreach (var row in chunk.Where(row => looks[row.Id].IsUnreadable))
                {
                    await UnreadableHolds.ReportAsync(
                        session, repair, run, partition, looks[row.Id], row, cancellation);
                }

                missing.AddRange(chunk.Where(row => looks[row.Id] is { IsActive: false, IsUnreadable: false }));
            }

            if (missing.Count > 0) await MissingAsync(run, partition, missing, lastEvent, cancellation);
        }
    }

    /// <summary>
    /// Reports missing holds. The event that ended a hold is not later than the last event at the moment when the hold
    /// was found missing. Once the events up to that one are stored, a row that is still pending proves that its hold
    /// was removed without an event, or that the event was not stored.
    /// </summary>
    private async Task MissingAsync(
        AuditRun run, Partition partition, List<LedgerReservation> missing, string lastEvent,
        CancellationToken cancellation)
    {
        if (!await session.WaitUntilStoredAsync(run, partition.Index, lastEvent, cancellation))
        {
            session.Undecided(run, missing.Count);
            return;
        }

        var rows = await ledger.ReadReservationsAsync(partition.Index, missing.Select(row => row.Id), cancellation);
        var pending = missing.Where(row => rows[row.Id] is var now && now.Status == "pending"
            && now.Sequence == row.Sequence && LinesOf(now).Count > 0).ToList();
        var ordered = await ledger.ReadOrderedAsync(pending.Select(row => row.Id), cancellation);
        foreach (var chunk in pending.Chunk(Step))
        {
            var (_, looks) = await LookAsync(partition, chunk);
            foreach (var row in chunk.Where(row => looks[row.Id] is { IsActive: false, IsUnreadable: false }))
            {
                await ReportAsync(run, row, looks[row.Id], ordered.Contains(row.Id), lastEvent, cancellation);
            }
        }
    }

    private async Task ReportAsync(
        AuditRun run, LedgerReservation row, HoldLook look, bool isOrdered, string lastEvent,
        CancellationToken cancellation)
    {
        var lines = LinesOf(row);
        var evidence = $"ledger sequence {row.Sequence}, events up to {lastEvent} are stored";
        if (look.State != '-' || isOrdered)
        {
            await session.ReportAsync(
                run,
                new(FindingKind.UnrecordedEnd, lines[0].Sku, row.Id.ToString(), "the end of the reservation is stored",
                    "the ledger has it as pending",
                    "The reservation has ended, and the event that says so was not stored: Redis lost it with its "
                        + "data, or it is among the dead letters. Stock is right; the history is not.",
                    evidence + (isOrdered ? ", there is an order" : $", ended in Redis as {look.State}")),
                isOrdered ? () => repair.EndAsync(row, cancellation) : null, cancellation);
            return;
        }

        await session.ReportAsync(
            run,
            new(FindingKind.LostHold, lines[0].Sku, row.Id.ToString(),
                $"a hold of {string.Join(", ", lines.Select(line => $"{line.Quantity} of {line.Sku}"))} until "
                    + $"{row.Deadline:u}",
                "Redis has no such hold",
                "A customer was promised these units, and Redis lost the hold without an event: it was removed "
                    + "by hand, or an older copy of the data was started.",
                evidence),
            () => repair.SkuAsync(run, lines[0].Sku, cancellation),
            cancellation);
    }

    private async Task<(string LastEvent, Dictionary<Guid, HoldLook> Looks)> LookAsync(
        Partition partition, IEnumerable<LedgerReservation> rows)
    {
        var looked = await audit.AuditHoldsAsync(partition, [.. rows.Select(row => row.Id)])
            ?? throw new FenceDownException();
        return (looked.LastEvent, looked.Holds.ToDictionary(look => look.Id));
    }
}
