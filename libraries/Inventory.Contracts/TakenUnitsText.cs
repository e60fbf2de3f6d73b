using System.Globalization;

namespace Inventory.Contracts;

/// <summary>
/// Units that a request has taken of each SKU, as the API tells the gateway: <c>sku-1=2,sku-2=1</c>. See
/// <see cref="InventoryHeaders.UnitsTaken"/>. SKUs are percent-encoded, because a header has ASCII only.
/// </summary>
public static class TakenUnitsText
{
    /// <summary>Writes the units of one SKU: at most what <see cref="Read"/> understands.</summary>
    public static string Write(string sku, long units) => string.Create(
        CultureInfo.InvariantCulture, $"{Uri.EscapeDataString(sku)}={Math.Min(units, int.MaxValue)}");

    /// <summary>Writes the units of several SKUs, the first ones that fit.</summary>
    public static string Write(IEnumerable<KeyValuePair<string, long>> units, int mostLength)
    {
        var length = -1;
        return string.Join(',', units.Select(one => Write(one.Key, one.Value))
            .TakeWhile(one => (length += one.Length + 1) <= mostLength));
    }

    /// <summary>Reads the units. A part that names no SKU or no unit is skipped.</summary>
    public static IReadOnlyList<(string Sku, int Units)> Read(ReadOnlySpan<char> text)
    {
        var units = new List<(string, int)>(1);
        foreach (var range in text.Split(','))
        {
            var pair = text[range];
            var middle = pair.IndexOf('=');
            if (middle < 1) continue;
            var number = pair[(middle + 1)..];
            if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var taken)) continue;
            if (taken >= 1) units.Add((Uri.UnescapeDataString(pair[..middle]), taken));
        }

        return units;
    }
}
