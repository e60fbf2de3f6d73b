using System.Security.Cryptography;
using System.Text;
using Inventory.Contracts;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Inventory.Identity;

/// <summary>A recognized key.</summary>
/// <param name="Name">The caller's name.</param>
/// <param name="Scopes">The key's scopes.</param>
public sealed record ApiKey(string Name, Scopes Scopes);

/// <summary>The accepted keys, as hashes. The keys themselves are not stored.</summary>
/// <remarks>
/// The duration of a look-up reveals nothing about the keys: each hash is compared in full with the hash of every key.
/// By design: no cache by the key's text, because its comparisons would leak timing. The cost is one SHA-256 of a short
/// text.
/// </remarks>
public sealed class ApiKeyRing
{
    // Our keys have 68 characters. A shorter text can't hold 256 bits, and a longer text is not one of our keys.
    private const int MinLength = 32, MaxLength = 128;

    private readonly byte[][] hashes;

    /// <summary>Takes the configured keys, which <see cref="ApiKeyRules"/> has already validated.</summary>
    public ApiKeyRing(IOptions<ApiKeyOptions> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = options.Value.Keys;
        hashes = [.. settings.Select(key => Convert.FromHexString(key.Hash))];
        Keys = [.. settings.Select(key => new ApiKey(
            key.Name, key.Scopes.Aggregate(Scopes.None, (all, name) => all | ScopeNames.Parse(name))))];
    }

    /// <summary>All accepted keys.</summary>
    public IReadOnlyList<ApiKey> Keys { get; }

    /// <summary>A key's form in the settings: its SHA-256 in hex.</summary>
    /// <param name="key">The key's text.</param>
    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>Recognizes a key; null for an unknown key.</summary>
    /// <param name="header">
    /// The values of <see cref="InventoryHeaders.ApiKey"/>. A header that is given twice is refused: two programs might
    /// not agree on which value counts.
    /// </param>
    public ApiKey? Find(StringValues header)
    {
        if (header is not [{ Length: >= MinLength and <= MaxLength } text]) return null;
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(MaxLength)];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(text, bytes)], hash);

        ApiKey? found = null;
        for (var i = 0; i < hashes.Length; i++)
        {
            // The loop never ends early, so that its duration is constant.
            if (CryptographicOperations.FixedTimeEquals(hashes[i], hash)) found = Keys[i];
        }

        return found;
    }
}
