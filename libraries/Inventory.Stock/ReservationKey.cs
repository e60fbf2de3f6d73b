using System.Buffers.Text;

namespace Inventory.Stock;

/// <summary>
/// A reservation id as the scripts know it: the UUID's 16 bytes in base64url, 22 characters where the usual form has
/// 36. It stands in three places per hold.
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

    /// <summary>Whether <see cref="Of"/> could have made it.</summary>
    public static bool IsKey(ReadOnlySpan<char> key)
    {
        Span<byte> bytes = stackalloc byte[16];
        return key.Length == 22 && Base64Url.TryDecodeFromChars(key, bytes, out var written) && written == 16;
    }

    /// <summary>
    /// The UUID of 22 characters that <see cref="Of"/> made; anything else is a <see cref="FormatException"/>.
    /// </summary>
    public static Guid Parse(ReadOnlySpan<char> key)
    {
        Span<byte> bytes = stackalloc byte[16];
        return Base64Url.TryDecodeFromChars(key, bytes, out var written) && written == 16
            ? new(bytes, bigEndian: true)
            : throw new FormatException("A reservation key has 22 base64url characters.");
    }
}
