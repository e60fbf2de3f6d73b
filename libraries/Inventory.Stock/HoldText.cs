using System.Globalization;
using Inventory.Contracts;

namespace Inventory.Stock;

/// <summary>The content of an active hold's text.</summary>
/// <param name="Confirming">Whether it is pinned.</param>
/// <param name="Sequence">The number of its events.</param>
/// <param name="Holder">The holder.</param>
/// <param name="Lines">The lines.</param>
public sealed record ActiveHold(bool Confirming, int Sequence, Holder Holder, IReadOnlyList<Line> Lines);

/// <summary>
/// Reads holds in the form that <c>lua/shared/holds.lua</c> writes, without a script: fields separated by tabs.
/// </summary>
public static class HoldText
{
    private const int FirstLine = 5;

    /// <summary>Reads an active hold.</summary>
    /// <param name="text">The hold; null for none.</param>
    /// <returns>Null when there is no hold, or the text isn't that of an active hold.</returns>
    public static ActiveHold? Parse(string? text)
    {
        var fields = text?.Split('\t') ?? [];
        var isWhole = fields.Length >= FirstLine + 2 && fields.Length % 2 == 1 && fields[0] is ("p" or "c")
            && IsNumber(fields[2]) && IsNumber(fields[3]);
        if (!isWhole || !TryCount(fields[1], out var sequence)) return null;
        var lines = new List<Line>();
        for (var i = FirstLine; i < fields.Length; i += 2)
        {
            if (fields[i].Length == 0 || !TryCount(fields[i + 1], out var quantity)) return null;
            lines.Add(new(fields[i], quantity));
        }

        return new(fields[0] == "c", sequence, Holder.Parse(fields[4]), lines);
    }

    /// <summary>Whether a hold contains a SKU.</summary>
    /// <param name="text">The hold.</param>
    /// <param name="sku">The SKU.</param>
    /// <returns>Null when the text isn't that of a hold, so the answer is unknown.</returns>
    public static bool? Contains(string? text, string sku)
    {
        var fields = text?.Split('\t') ?? [];
        if (fields.Length < FirstLine + 2 || fields.Length % 2 == 0) return null;
        for (var i = FirstLine; i < fields.Length; i += 2)
        {
            if (fields[i] == sku) return true;
            if (!int.TryParse(fields[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out _)) return null;
        }

        return false;
    }

    /// <summary>When a pending hold began; the Unix epoch for any other.</summary>
    public static DateTimeOffset PendingSince(string? text) =>
        text?.Split('\t', 4) is ["p", _, var created, _]
            ? DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(created, CultureInfo.InvariantCulture))
            : DateTimeOffset.UnixEpoch;

    /// <summary>Units of one SKU in a hold.</summary>
    /// <param name="text">The hold; null for none.</param>
    /// <param name="sku">The SKU.</param>
    /// <returns>0 when the hold doesn't contain the SKU.</returns>
    public static long QuantityOf(string? text, string sku)
    {
        var fields = text?.Split('\t') ?? [];
        for (var i = FirstLine; i + 1 < fields.Length; i += 2)
        {
            if (fields[i] == sku) return long.Parse(fields[i + 1], CultureInfo.InvariantCulture);
        }

        return 0;
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private static bool IsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}
