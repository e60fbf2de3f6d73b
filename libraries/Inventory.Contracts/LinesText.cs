using System.Globalization;

namespace Inventory.Contracts;

/// <summary>Lines as scripts and the waiting queue store them: <c>sku-1:2,sku-2:1</c>, SKUs escaped.</summary>
public static class LinesText
{
    /// <summary>Writes lines.</summary>
    public static string Write(IEnumerable<Line> lines) => string.Join(',', lines.Select(line =>
        string.Create(CultureInfo.InvariantCulture, $"{SkuText.Escape(line.Sku)}:{line.Quantity}")));

    /// <summary>Reads lines.</summary>
    /// <exception cref="FormatException">A line has no number.</exception>
    public static IReadOnlyList<Line> Read(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return [];
        var lines = new List<Line>(1);
        foreach (var range in text.Split(','))
        {
            var line = text[range];
            var colon = line.LastIndexOf(':');
            lines.Add(new(
                SkuText.Unescape(line[..Math.Max(0, colon)]),
                int.Parse(line[(colon + 1)..], CultureInfo.InvariantCulture)));
        }

        return lines;
    }
}
