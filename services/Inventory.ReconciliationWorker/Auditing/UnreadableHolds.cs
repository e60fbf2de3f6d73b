using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>Findings about holds that stand in Redis and can't be read.</summary>
internal static class UnreadableHolds
{
    private const string Cause =
        "Somebody wrote to Redis by hand. The hold can be neither confirmed nor given back as long as it stands like "
        + "this; its units stay reserved.";

    /// <summary>A hold of which the ledger may know more.</summary>
    /// <param name="hold">What was seen.</param>
    /// <param name="row">The ledger's row; null when it has none.</param>
    public static Finding Of(HoldLook hold, LedgerReservation? row) => new(
        FindingKind.Unreadable, Sku(hold, row), hold.Id.ToString(), "a hold as the scripts write it", hold.Faults,
        Cause,
        row is null ? "the ledger doesn't know it" : $"the ledger has it as {row.Status}: {row.Lines}");

    /// <summary>Something among the holds that no id leads to.</summary>
    /// <param name="what">What it is.</param>
    /// <param name="partition">Where it is.</param>
    public static Finding Stray(string what, Partition partition) => new(
        FindingKind.Unreadable, "", what, "hashes of reservations and their holds", what, Cause,
        $"seen among the holds of partition {partition.Index}");

    // The ledger's word first: what stands in Redis can't be trusted to be a name.
    private static string Sku(HoldLook hold, LedgerReservation? row)
    {
        if (row is not null && ReservationAudit.Lines(row.Lines) is [var line, ..]) return line.Sku;
        var first = hold.Faults.Split(' ')[0];
        return Names.IsSku(first) && first != "-" ? first : "";
    }
}
