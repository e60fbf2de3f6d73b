using System.Globalization;

namespace Inventory.Stock;

/// <summary>A hold as <c>lua/shared/holds.lua</c> writes it, read without a script: fields separated by tabs.</summary>
public static class HoldText
{
    private const int FirstLine = 5;

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
}
