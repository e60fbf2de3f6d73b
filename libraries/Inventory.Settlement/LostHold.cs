using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.Settlement;

/// <summary>Rebuilds a hold that Redis has forgotten from the ledger's rows.</summary>
internal static class LostHold
{
    /// <param name="parts">The reservation's rows, one for each partition.</param>
    /// <returns>
    /// The hold as it was: <see cref="ReservationStatus.Released"/> if its holder released it, otherwise
    /// <see cref="ReservationStatus.Expired"/>; null without rows.
    /// </returns>
    public static HoldRecord? From(IReadOnlyList<ReservationRow> parts)
    {
        if (parts.Count == 0) return null;
        var first = parts[0];
        var released = parts.Any(part => part.Status == ReservationStatusNames.Released);
        return new(
            new(
                first.ReservationId,
                released ? ReservationStatus.Released : ReservationStatus.Expired,
                Holder.Parse(first.Holder),
                [.. parts.SelectMany(part => LinesJson.Read(part.Lines))],
                first.Deadline),
            parts.Max(part => part.Sequence),
            first.CreatedAt);
    }
}
