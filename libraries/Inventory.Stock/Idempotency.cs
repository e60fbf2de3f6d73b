using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Inventory.Stock;

/// <summary>
/// One caller's Idempotency-Key with the fingerprint of its request (IETF draft
/// draft-ietf-httpapi-idempotency-key-header). The script that executes the request checks and writes the record.
/// </summary>
public sealed record Idempotency
{
    private Idempotency(string key, string fingerprint) => (Key, Fingerprint) = (key, fingerprint);

    /// <summary>A digest of caller and key.</summary>
    public string Key { get; }

    /// <summary>A digest of the request.</summary>
    public string Fingerprint { get; }

    /// <param name="caller">The owner of the key: two callers may use the same key for different requests.</param>
    /// <param name="key">The header's value.</param>
    /// <param name="request">Operation and body: the bytes that must be equal in a repeated request.</param>
    public static Idempotency Create(string caller, string key, ReadOnlySpan<byte> request) =>
        new(Digest(Encoding.UTF8.GetBytes($"{caller}\n{key}")), Digest(request));

    /// <summary>Restores a stored <see cref="Key"/> and <see cref="Fingerprint"/>.</summary>
    public static Idempotency Restore(string key, string fingerprint) => new(key, fingerprint);

    /// <summary>The same key for one item of a batch.</summary>
    public Idempotency ForItem(int index) => new(Digest(Encoding.UTF8.GetBytes($"{Key}\n{index}")), Fingerprint);

    // 128 bits of SHA-256: the chance of a collision among a billion keys is below 10^-20.
    private static string Digest(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        return Base64Url.EncodeToString(hash[..16]);
    }
}
