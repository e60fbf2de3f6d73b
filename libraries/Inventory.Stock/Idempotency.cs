using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Inventory.Stock;

/// <summary>
/// One caller's Idempotency-Key with the fingerprint of the request it came with (IETF draft
/// draft-ietf-httpapi-idempotency-key-header). The record is checked and written inside the script that acts.
/// </summary>
public sealed record Idempotency
{
    private Idempotency(string key, string fingerprint) => (Key, Fingerprint) = (key, fingerprint);

    /// <summary>A digest of caller and key.</summary>
    public string Key { get; }

    /// <summary>A digest of the request.</summary>
    public string Fingerprint { get; }

    /// <param name="caller">Whose key it is: two callers may use the same key for different things.</param>
    /// <param name="key">The header's value.</param>
    /// <param name="request">Operation and body, byte for byte what makes two requests the same.</param>
    public static Idempotency Create(string caller, string key, ReadOnlySpan<byte> request) =>
        new(Digest(Encoding.UTF8.GetBytes($"{caller}\n{key}")), Digest(request));

    /// <summary>What <see cref="Key"/> and <see cref="Fingerprint"/> said once.</summary>
    public static Idempotency Restore(string key, string fingerprint) => new(key, fingerprint);

    /// <summary>The same key for one item of a batch.</summary>
    public Idempotency ForItem(int index) => new(Digest(Encoding.UTF8.GetBytes($"{Key}\n{index}")), Fingerprint);

    // 128 bits of SHA-256: two of a billion keys meet with a chance below 10^-20.
    private static string Digest(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        return Base64Url.EncodeToString(hash[..16]);
    }
}
