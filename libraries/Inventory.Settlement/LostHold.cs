using System.Text.Json;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.Settlement;

/// <summary>A hold that Redis has forgotten, as the ledger remembers it.</summary>
internal static class LostHold
{
    /// <param name="parts">What the ledger has of it, a part for each partition.</param>
    /// <returns>
    /// The hold as it was, <see cref="ReservationStatus.Expired"/> unless its holder gave it back; null when nothing is
    /// known of it.
    /// </returns>
    public static HoldRecord? From(IReadOnlyList<ReservationRow> parts)
    {
        if (parts.Count == 0) return null;
        var first = parts[0];
        var released = parts.Any(part => part.Status == "released");
        return new(
            new(
                first.ReservationId,
                released ? ReservationStatus.Released : ReservationStatus.Expired,
                Holder.Parse(first.Holder),
                [.. parts.SelectMany(part => Lines(part.Lines))],
                first.Deadline),
            parts.Max(part => part.Sequence),
            first.CreatedAt);
    }

    private static IEnumerable<Line> Lines(string json)
    {
        using var document = JsonDocument.Parse(json);
        return
        [
            .. document.RootElement.EnumerateArray().Select(line =>
                new Line(line.GetProperty("sku").GetString()!, line.GetProperty("quantity").GetInt32())),
        ];
    }
}
