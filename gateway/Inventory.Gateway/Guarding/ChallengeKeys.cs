using System.Security.Cryptography;
using Inventory.Gateway.Admission;
using StackExchange.Redis;

namespace Inventory.Gateway.Guarding;

/// <summary>
/// What challenges are signed with, the same for all gateways: in Redis, where the keys of cookies are too, and as
/// secret as these. A gateway that has never met Redis signs with a key of its own.
/// </summary>
/// <remarks>Absent: rotation. A signature is worth the lifetime of a challenge, and a unit of work.</remarks>
internal sealed class ChallengeKeys(IConnectionMultiplexer redis)
{
    private const int KeyBytes = 32;

    private static readonly RedisKey Name = $"{RatePolicies.Tag}:challenge-key";

    private volatile Pair _keys = new(RandomNumberGenerator.GetBytes(KeyBytes), null);

    /// <summary>
    /// Takes over the key that all gateways share, or shares this one: the first of an empty Redis decides, and a Redis
    /// that has lost its data gets the old one back.
    /// </summary>
    public async Task ExchangeAsync()
    {
        var database = redis.GetDatabase();
        var own = _keys.Current;
        await database.StringSetAsync(Name, own, when: When.NotExists);
        var shared = (byte[]?)await database.StringGetAsync(Name);
        // What was signed until now stays valid.
        if (shared is { Length: KeyBytes } && !shared.AsSpan().SequenceEqual(own)) _keys = new(shared, own);
    }

    /// <summary>A challenge's signature.</summary>
    public byte[] Sign(ReadOnlySpan<byte> challenge) => HMACSHA256.HashData(_keys.Current, challenge);

    /// <summary>Whether one of the gateways has signed it.</summary>
    public bool HasSigned(ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> signature)
    {
        var (current, before) = _keys;
        return CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(current, challenge), signature)
            || (before is not null
                && CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(before, challenge), signature));
    }

    private sealed record Pair(byte[] Current, byte[]? Before);
}
