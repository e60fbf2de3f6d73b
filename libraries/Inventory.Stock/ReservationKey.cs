using System.Buffers.Text;

namespace Inventory.Stock;

/// <summary>
/// A reservation id as the scripts store it: the UUID's 16 bytes in base64url, 22 characters instead of 36. Each hold
/// stores it in three places.
/// </summary>
public static class ReservationKey
{
    /// <summary>The 22 characters of <paramref name="id"/>.</summary>
    public static string Of(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Whether the text is a possible result of <see cref="Of"/>.</summary>
    public static bool IsKey(ReadOnlySpan<char> key)
    {
        Span<byte> bytes = stackalloc byte[16];
        return key.Length == 22 && Base64Url.TryDecodeFromChars(key, bytes, out var written) && written == 16;
    }

    /// <summary>
    /// Parses the result of <see cref="Of"/>; throws a <see cref="FormatException"/> for any other text.
    /// </summary>
    public static Guid Parse(ReadOnlySpan<char> key)
    {
        Span<byte> bytes = stackalloc byte[16];
        return Base64Url.TryDecodeFromChars(key, bytes, out var written) && written == 16
            ? new(bytes, bigEndian: true)
            : throw new FormatException("A reservation key has 22 base64url characters.");
    }
}
