using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace Inventory.Identity;

/// <summary>
/// The subject of a shopper's session. It is not a secret, because the gateway vouches for it. It is random, so that a
/// caller can't guess another shopper's subject and no subject equals a customer's id.
/// </summary>
public static class ShopperSubject
{
    private const int RandomBytes = 16;
    private const int MaxLength = 64;

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>A new subject: 128 random bits in 22 characters.</summary>
    public static string Create()
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        return Base64Url.EncodeToString(random);
    }

    /// <summary>
    /// Whether <paramref name="text"/> can be a subject: 1 to 64 ASCII letters, digits, - or _. It has none of the
    /// characters that separate names in storage.
    /// </summary>
    public static bool IsWellFormed(string? text) =>
        text is { Length: > 0 and <= MaxLength } && !text.AsSpan().ContainsAnyExcept(Alphabet);
}
