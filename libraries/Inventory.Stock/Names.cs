using System.Buffers;

namespace Inventory.Stock;

/// <summary>
/// Which names may reach Redis. Both alphabets leave out braces and colons (key syntax), tabs and commas (the scripts'
/// separators), and everything that looks alike in another script of Unicode.
/// </summary>
public static class Names
{
    private const string LettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly SearchValues<char> SkuAlphabet = SearchValues.Create(LettersAndDigits + "._-");
    private static readonly SearchValues<char> HolderAlphabet = SearchValues.Create(LettersAndDigits + "._-@+=|~");

    /// <summary>Longest SKU. With more than this, a stock key costs more than the stock.</summary>
    public const int MaxSkuLength = 64;

    /// <summary>Longest cart or customer id.</summary>
    public const int MaxHolderIdLength = 128;

    /// <summary>The rule of <see cref="IsSku"/>, for people.</summary>
    public const string SkuRule = "1 to 64 letters, digits or . _ -";

    /// <summary>The rule of <see cref="IsHolderId"/>, for people.</summary>
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
