using Inventory.Contracts;
using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Findings about unreadable holds in Redis.</summary>
internal static class UnreadableHolds
{
    private const string Cause =
        "Redis was changed by hand. Until it is repaired, the hold can be neither confirmed nor released; its "
        + "units stay reserved.";

    /// <summary>Reports an unreadable hold. The rebuild of its SKU writes it anew, or removes it.</summary>
    /// <param name="session">The audit.</param>
    /// <param name="repair">Repairs it.</param>
    /// <param name="run">The run.</param>
    /// <param name="partition">The hold's partition.</param>
    /// <param name="hold">The hold as it was read.</param>
    /// <param name="row">The ledger's row; null when it has none.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public static Task ReportAsync(
        AuditSession session, StockRepair repair, AuditRun run, Partition partition, HoldLook hold,
        LedgerReservation? row, CancellationToken cancellation)
    {
        var finding = Of(hold, row);
        var key = ReservationKey.Of(hold.Id);
        Stray stray = new("holds", ((string)partition.HoldsOf(key)!)[^2..], key);
        return session.ReportAsync(
            run, finding,
            finding.Sku.Length > 0
                ? () => repair.SkuAsync(run, finding.Sku, cancellation)
                : () => repair.StraysAsync(run, partition, [stray], "", cancellation),
            cancellation);
    }

    private static Finding Of(HoldLook hold, LedgerReservation? row) => new(
        FindingKind.Unreadable, Sku(hold, row), hold.Id.ToString(), "a hold as the scripts write it", hold.Faults,
        Cause,
        row is null ? "the ledger doesn't know it" : $"the ledger has it as {row.Status}: {row.Lines}");

    /// <summary>The finding about a value among the holds that belongs to no reservation.</summary>
    /// <param name="what">A description of the value.</param>
    /// <param name="partition">Its partition.</param>
    public static Finding Stray(string what, Partition partition) => new(
        FindingKind.Unreadable, "", what, "hashes of reservations and their holds", what, Cause,
        $"seen among the holds of partition {partition.Index}");

    // The ledger's row comes first, because an unreadable hold in Redis may not even contain a SKU.
    private static string Sku(HoldLook hold, LedgerReservation? row)
    {
        if (row is not null && LinesJson.ReadOrEmpty(row.Lines) is [var line, ..]) return line.Sku;
        var first = SkuText.Unescape(hold.Faults.Split(' ')[0]);
        return Names.IsSku(first) && first != "-" ? first : "";
    }
}
