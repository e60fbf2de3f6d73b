using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Inventory.Identity;

/// <summary>A key that was recognized.</summary>
/// <param name="Name">Who calls with it.</param>
/// <param name="Scopes">What it may do.</param>
public sealed record ApiKey(string Name, Scopes Scopes);

/// <summary>The keys that are accepted, by their hashes. Knows no key itself.</summary>
/// <remarks>
/// How long a look-up takes says nothing about the keys: each hash is compared with the whole of every other.
/// Absent: a cache by the key's text, whose comparisons would tell. One hash of some forty bytes is what that costs.
/// </remarks>
public sealed class ApiKeyRing
{
    // Ours have 68 characters. What is shorter can't hold 256 bits, nor what is longer be one of ours.
    private const int MinLength = 32, MaxLength = 128;

    private readonly byte[][] hashes;

    /// <summary>Takes the keys over. They have been checked before.</summary>
    public ApiKeyRing(IOptions<ApiKeyOptions> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = options.Value.Keys;
        hashes = [.. settings.Select(key => Convert.FromHexString(key.Hash))];
        Keys = [.. settings.Select(key => new ApiKey(
            key.Name, key.Scopes.Aggregate(Scopes.None, (all, name) => all | ScopeNames.Parse(name))))];
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<ApiKey> Keys { get; }

    /// <summary>How a key stands in the settings: its SHA-256 in hex.</summary>
    /// <param name="key">The key's text.</param>
    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>Recognizes a key; null when it is none of ours.</summary>
    /// <param name="header">
    /// The values of <see cref="CallerHeaders.ApiKey"/>. Given twice, it is none: two readers might not agree on which
    /// one counts.
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
            // Not left early.
            if (CryptographicOperations.FixedTimeEquals(hashes[i], hash)) found = Keys[i];
        }

        return found;
    }
}
