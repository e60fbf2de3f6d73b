using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>Joins and splits reservations over several partitions, each of which has a part.</summary>
internal static class Parts
{
    /// <summary>One line per SKU, in an order that doesn't depend on how the caller wrote them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no line, or a line with less than one unit.</exception>
    public static Line[] AddUp(IReadOnlyList<Line> lines)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lines.Count, 1, nameof(lines));
        foreach (var line in lines) ArgumentOutOfRangeException.ThrowIfLessThan(line.Quantity, 1, nameof(lines));
        if (lines.Count == 1) return [lines[0]];
        return
        [
            .. lines.GroupBy(line => line.Sku, StringComparer.Ordinal)
                .OrderBy(same => same.Key, StringComparer.Ordinal)
                .Select(same => new Line(same.Key, same.Aggregate(0, (sum, line) => checked(sum + line.Quantity)))),
        ];
    }

    /// <summary>The reservation that parts belong to.</summary>
    public static Reservation Join(List<Reservation> parts) => parts[0] with
    {
        Status = parts.Max(part => part.Status),
        Lines = [.. parts.SelectMany(part => part.Lines).OrderBy(line => line.Sku, StringComparer.Ordinal)],
        ExpiresAt = parts.Min(part => part.ExpiresAt),
    };

    /// <summary>
    /// One answer for a reservation over several partitions: the worst outcome of the partitions that have a part, with
    /// all lines. Null if no partition has a part.
    /// </summary>
    public static (TAnswer Worst, Reservation? Whole)? Combine<TAnswer, TOutcome>(
        List<TAnswer> answers,
        TOutcome notFound,
        Func<TAnswer, TOutcome> outcome,
        Func<TAnswer, Reservation?> reservation)
        where TOutcome : struct, Enum
    {
        var found = answers.FindAll(answer => !outcome(answer).Equals(notFound));
        if (found.Count == 0) return null;
        var reservations = found.ConvertAll(answer => reservation(answer)).OfType<Reservation>().ToList();
        return (found.MinBy(outcome)!, reservations.Count == 0 ? null : Join(reservations));
    }
}
