using System.Buffers;
using System.Globalization;

namespace Inventory.Contracts;

/// <summary>
/// SKUs as Redis and the waiting queue store them. A key or text there separates its parts with characters that a SKU
/// may contain, so these are escaped: <c>%</c> and two hexadecimal digits, as in a URL. Everything else stays as it is,
/// and so does a SKU of letters, digits and <c>. _ -</c>.
/// </summary>
/// <remarks>
/// Scripts compare and store SKUs without looking into them. So only C# escapes, where a SKU enters or leaves Redis;
/// PostgreSQL, the API and JSON have the SKU itself.
/// </remarks>
public static class SkuText
{
    private const char Mark = '%';

    // Colons and commas separate lines, braces are the tags of keys, and a space ends the SKU in an error of a script.
    private static readonly SearchValues<char> Separators = SearchValues.Create(
        [.. Enumerable.Range(0, ' ' + 1).Select(code => (char)code), Mark, ',', ':', '{', '}', '\u007f']);

    /// <summary>The stored form of a SKU. Two SKUs have different forms.</summary>
    public static string Escape(string sku)
    {
        if (!sku.AsSpan().ContainsAny(Separators)) return sku;
        return string.Concat(sku.Select(one => Separators.Contains(one)
            ? string.Create(CultureInfo.InvariantCulture, $"{Mark}{(int)one:X2}")
            : one.ToString()));
    }

    /// <inheritdoc cref="Unescape(ReadOnlySpan{char})"/>
    public static string Unescape(string text) =>
        text.Contains(Mark, StringComparison.Ordinal) ? Unescape(text.AsSpan()) : text;

    /// <summary>
    /// The SKU of a stored form. A text that is no such form was written by hand: it is returned unchanged.
    /// </summary>
    public static string Unescape(ReadOnlySpan<char> text)
    {
        var mark = text.IndexOf(Mark);
        if (mark < 0) return text.ToString();
        Span<char> sku = new char[text.Length];
        var length = 0;
        for (var at = 0; at < text.Length; at++)
        {
            var one = text[at];
            if (one == Mark)
            {
                if (at + 2 >= text.Length || !byte.TryParse(
                    text.Slice(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                {
                    return text.ToString();
                }

                one = (char)code;
                at += 2;
            }

            sku[length++] = one;
        }

        var read = sku[..length].ToString();
        return text.SequenceEqual(Escape(read)) ? read : text.ToString();
    }
}
