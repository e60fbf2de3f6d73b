using System.Security.Cryptography;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// The key that all gateways sign challenges with. It is in Redis, like the keys of cookies, and as secret as these. A
/// gateway that has never reached Redis signs with a key of its own.
/// </summary>
/// <remarks>
/// Not handled: rotation. A forged signature saves one proof of work, for the lifetime of a challenge.
/// </remarks>
internal sealed class ChallengeKeys(IConnectionMultiplexer redis)
{
    private const int KeyBytes = 32;

    private static readonly RedisKey Name = $"{GatewayKeys.Tag}:challenge-key";

    private volatile Pair keys = new(RandomNumberGenerator.GetBytes(KeyBytes), null);

    /// <summary>
    /// Adopts the key that all gateways share, or shares this gateway's key: at an empty Redis the first gateway
    /// decides, and a Redis that has lost its data gets the old key again.
    /// </summary>
    public async Task ExchangeAsync()
    {
        var database = redis.GetDatabase();
        var own = keys.Current;
        await database.StringSetAsync(Name, own, when: When.NotExists).OrFailedAsync();
        var shared = (byte[]?)await database.StringGetAsync(Name).OrFailedAsync();
        // Challenges that were signed with the own key stay valid.
        if (shared is { Length: KeyBytes } && !shared.AsSpan().SequenceEqual(own)) keys = new(shared, own);
    }

    /// <summary>A challenge's signature.</summary>
    public byte[] Sign(ReadOnlySpan<byte> challenge) => HMACSHA256.HashData(keys.Current, challenge);

    /// <summary>Whether a gateway has signed the challenge.</summary>
    public bool HasSigned(ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> signature)
    {
        var (current, before) = keys;
        return CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(current, challenge), signature)
            || (before is not null
                && CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(before, challenge), signature));
    }

    private sealed record Pair(byte[] Current, byte[]? Before);
}
