using System.Buffers;

namespace Inventory.Stock;

/// <summary>
/// Defines the names that may be stored in Redis. Both alphabets leave out braces and colons (key syntax), tabs and
/// commas (the scripts' separators), and look-alike characters of other Unicode scripts.
/// </summary>
public static class Names
{
    private const string LettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly SearchValues<char> SkuAlphabet = SearchValues.Create(LettersAndDigits + "._-");
    private static readonly SearchValues<char> HolderAlphabet = SearchValues.Create(LettersAndDigits + "._-@+=|~");

    /// <summary>Maximum length of a SKU. A longer one would make a stock key larger than the stock it holds.</summary>
    public const int MaxSkuLength = 64;

    /// <summary>Maximum length of a cart's or customer's id.</summary>
    public const int MaxHolderIdLength = 128;

    /// <summary>The rule of <see cref="IsSku"/>, as text for messages.</summary>
    public const string SkuRule = "1 to 64 letters, digits or . _ -";

    /// <summary>The rule of <see cref="IsHolderId"/>, as text for messages.</summary>
    public const string HolderIdRule = "1 to 128 letters, digits or . _ - @ + = | ~";

    /// <summary>
    /// Whether <paramref name="text"/> can name a SKU: 1 to 64 ASCII letters, digits or <c>. _ -</c>.
    /// </summary>
    public static bool IsSku(string? text) =>
        text is { Length: > 0 and <= MaxSkuLength } && !text.AsSpan().ContainsAnyExcept(SkuAlphabet);

    /// <summary>Whether <paramref name="text"/> can name a cart or a customer.</summary>
    public static bool IsHolderId(string? text) =>
        text is { Length: > 0 and <= MaxHolderIdLength } && !text.AsSpan().ContainsAnyExcept(HolderAlphabet);
}
