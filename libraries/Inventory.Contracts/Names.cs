using System.Buffers;
using System.Text;

namespace Inventory.Contracts;

/// <summary>
/// What may name a SKU, a customer or a cart: printable Unicode in form C, case-sensitive. PostgreSQL has the same rule
/// in its functions <c>is_sku</c> and <c>is_holder</c>, so that plain SQL brings in no name that the API refuses.
/// </summary>
/// <remarks>
/// By design: look-alike letters of different alphabets are different names. Form C makes one name of what Unicode
/// calls the same; nothing makes one of what people take for the same.
/// </remarks>
public static class Names
{
    /// <summary>Maximum length of a SKU, in characters (code points).</summary>
    public const int MaxSkuLength = 64;

    /// <summary>Maximum length of a SKU in UTF-8. A longer one would make a stock key larger than its stock.</summary>
    public const int MaxSkuBytes = 128;

    /// <summary>Maximum length of a cart's or customer's id, in characters (code points).</summary>
    public const int MaxHolderIdLength = 128;

    /// <summary>Maximum length of a cart's or customer's id in UTF-8.</summary>
    public const int MaxHolderIdBytes = 256;

    /// <summary>The rule of <see cref="IsSku"/>, as text for messages.</summary>
    public const string SkuRule =
        "1 to 64 printable characters of Unicode 14 in normalization form C (NFC), at most 128 bytes of UTF-8, without "
        + "a space at either end, and not . or ..";

    /// <summary>The rule of <see cref="IsHolderId"/>, as text for messages.</summary>
    public const string HolderIdRule =
        "1 to 128 printable characters of Unicode 14 in normalization form C (NFC), at most 256 bytes of UTF-8, "
        + "without a space at either end";

    /// <summary>The rule of <see cref="IsSku"/> as far as a pattern can say it, for API descriptions.</summary>
    public const string SkuPattern = @"^(?!\.{1,2}$)" + NamePattern;

    /// <summary>The rule of <see cref="IsHolderId"/> as far as a pattern can say it.</summary>
    public const string HolderIdPattern = "^" + NamePattern;

    // Surrogates are allowed, because some readers of patterns see a character beyond U+FFFF as two of them.
    private const string Unprintable = @"\p{Cc}\p{Cf}\p{Cn}\p{Co}";
    private const string NamePattern =
        @"[^\s" + Unprintable + "]([^" + Unprintable + @"]*[^\s" + Unprintable + "])?$";

    private static readonly SearchValues<char> Ascii =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(code => (char)code)]);

    /// <summary>
    /// Whether <paramref name="text"/> can name a SKU. <c>.</c> and <c>..</c> can't: clients remove them from paths.
    /// </summary>
    public static bool IsSku(string? text) =>
        IsName(text, MaxSkuLength, MaxSkuBytes) && text is not ("." or "..");

    /// <summary>Whether <paramref name="text"/> can name a cart or a customer.</summary>
    public static bool IsHolderId(string? text) => IsName(text, MaxHolderIdLength, MaxHolderIdBytes);

    /// <summary>
    /// Whether <paramref name="text"/> is a holder as both stores have it: <c>u:customer</c>, <c>c:cart</c>, or
    /// <c>s:subject|cart</c> for a cart of a shopper's session.
    /// </summary>
    public static bool IsHolder(string text) => text switch
    {
        ['u' or 'c', ':', .. var id] => IsHolderId(id),
        ['s', ':', .. var both] => both.IndexOf('|', StringComparison.Ordinal) is > 0 and var end
            && IsHolderId(both[..end]) && IsHolderId(both[(end + 1)..]),
        _ => false,
    };

    /// <summary>
    /// The characters of names as the inside of a bracket expression, for PostgreSQL. Never changes: a rule with more
    /// characters needs a migration of its own.
    /// </summary>
    public static string PrintableRanges() => string.Concat(UnicodeTable.Printable.Select(range =>
        range.First == range.Last ? Escaped(range.First) : $"{Escaped(range.First)}-{Escaped(range.Last)}"));

    private static bool IsName(string? text, int length, int bytes)
    {
        if (text is not { Length: > 0 } || text.Length > bytes || text[0] == ' ' || text[^1] == ' ') return false;
        // Most names. Their characters, bytes and chars are the same number.
        if (!text.AsSpan().ContainsAnyExcept(Ascii)) return text.Length <= length;

        var (characters, octets) = (0, 0);
        for (var at = 0; at < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(at), out var one, out var used) != OperationStatus.Done) return false;
            if (!UnicodeTable.IsPrintable(one.Value)) return false;
            characters++;
            octets += one.Utf8SequenceLength;
            at += used;
        }

        return characters <= length && octets <= bytes && FormC.Is(text);
    }

    private static string Escaped(int code) => code > 0xFFFF ? $@"\U{code:X8}" : $@"\u{code:X4}";
}
