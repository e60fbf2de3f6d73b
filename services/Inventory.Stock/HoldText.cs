using System.Globalization;

namespace Inventory.Stock;

/// <summary>A hold as <c>lua/shared/holds.lua</c> writes it, read without a script: fields separated by tabs.</summary>
public static class HoldText
{
    private const int FirstLine = 5;

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
