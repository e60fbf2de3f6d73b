using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace Inventory.Identity;

/// <summary>
/// How a shopper is called: the subject of their session. It is no secret, for the gateway vouches for it; it is random
/// so that nobody can be guessed or meets the name of a customer.
/// </summary>
public static class ShopperSubject
{
    private const int RandomBytes = 16;
    private const int MaxLength = 64;

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>A subject that nobody has: 128 random bits in 22 characters.</summary>
    public static string Create()
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        return Base64Url.EncodeToString(random);
    }

    /// <summary>
    /// Whether <paramref name="text"/> can be a subject: 1 to 64 ASCII letters, digits, - or _. Nothing that separates
    /// names where they are stored.
    /// </summary>
    public static bool IsWellFormed(string? text) =>
        text is { Length: > 0 and <= MaxLength } && !text.AsSpan().ContainsAnyExcept(Alphabet);
}
