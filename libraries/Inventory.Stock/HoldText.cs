using System.Globalization;

namespace Inventory.Stock;

/// <summary>What an active hold's text says.</summary>
/// <param name="Confirming">Whether it is pinned.</param>
/// <param name="Sequence">Events that it has had.</param>
/// <param name="Holder">Whose it is.</param>
/// <param name="Lines">What is held.</param>
public sealed record ActiveHold(bool Confirming, int Sequence, Holder Holder, IReadOnlyList<Line> Lines);

/// <summary>A hold as <c>lua/shared/holds.lua</c> writes it, read without a script: fields separated by tabs.</summary>
public static class HoldText
{
    private const int FirstLine = 5;

    /// <summary>Reads an active hold.</summary>
    /// <param name="text">The hold; null for none.</param>
    /// <returns>Null when there is none, or it isn't written as active holds are.</returns>
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

    /// <summary>Whether a hold is of a SKU.</summary>
    /// <param name="text">The hold.</param>
    /// <param name="sku">The SKU.</param>
    /// <returns>Null when it isn't written as holds are, so that nobody can tell.</returns>
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

    /// <summary>When a pending hold began; the epoch's begin for any other.</summary>
    public static DateTimeOffset PendingSince(string? text) =>
        text?.Split('\t', 4) is ["p", _, var created, _]
            ? DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(created, CultureInfo.InvariantCulture))
            : DateTimeOffset.UnixEpoch;

    /// <summary>Units of one SKU in a hold.</summary>
    /// <param name="text">The hold; null for none.</param>
    /// <param name="sku">The SKU.</param>
    /// <returns>0 when there is none of it.</returns>
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
