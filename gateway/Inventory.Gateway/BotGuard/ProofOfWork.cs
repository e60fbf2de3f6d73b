using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.BotGuard;

/// <summary>A challenge as ALTCHA's widget takes it: find the number up to <c>maxnumber</c> that was hashed.</summary>
/// <param name="Algorithm">SHA-256.</param>
/// <param name="Challenge">SHA-256 of salt and number, in hex.</param>
/// <param name="Maxnumber">The largest number to try.</param>
/// <param name="Salt">Random digits, the solution's expiry, and the shopper and the units that it is for.</param>
/// <param name="Signature">HMAC-SHA256 of the challenge, in hex.</param>
internal sealed record PuzzleToSolve(
    string Algorithm, string Challenge, long Maxnumber, string Salt, string Signature);

/// <summary>The judgement of a solution.</summary>
internal enum ProofOutcome
{
    /// <summary>The solution is in time, and solves a challenge that was issued to this shopper.</summary>
    Solved,

    /// <summary>The request has no solution.</summary>
    Missing,

    /// <summary>The solution can't be read.</summary>
    Malformed,

    /// <summary>The solution solves no challenge that a gateway has signed.</summary>
    Wrong,

    /// <summary>The solution came too late.</summary>
    Expired,

    /// <summary>The challenge was issued to another shopper.</summary>
    Foreign,

    /// <summary>The challenge was for fewer units than the request asks for.</summary>
    Insufficient,

    /// <summary>The solution is right, but was used before.</summary>
    Reused,
}

/// <summary>
/// Issues challenges in the first version of ALTCHA's format, and judges solutions, without state: the salt holds the
/// parameters, the challenge covers the salt, and the signature covers the challenge.
/// </summary>
internal sealed class ProofOfWork(ChallengeKeys keys, IOptions<GuardOptions> options, TimeProvider time)
{
    private const string Algorithm = "SHA-256";
    private const int SaltBytes = 12, BindingBytes = 12, HashBytes = SHA256.HashSizeInBytes;

    // Real solutions have some 400 characters. A longer text is refused without any cryptography.
    private const int MaxLength = 2_048;

    // Salt and number are hashed without a separator. This end of the salt keeps a client from moving digits of the
    // number into the parameters before it.
    private const char EndOfSalt = '&';

    /// <summary>A new challenge for this shopper.</summary>
    /// <param name="subject">The shopper.</param>
    /// <param name="units">The units that it is for.</param>
    /// <param name="pressure">The greatest pressure on what is asked for.</param>
    public PuzzleToSolve Issue(string subject, long units, int pressure)
    {
        var guard = options.Value;
        var expires = (time.GetUtcNow() + guard.ChallengeLifetime).ToUnixTimeSeconds();
        var random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SaltBytes));
        var salt = string.Create(
            CultureInfo.InvariantCulture,
            $"{random}?expires={expires}&for={BindingOf(subject)}"
                + $"&units={Difficulty.UnitsCovered(guard, units)}{EndOfSalt}");
        var largest = Difficulty.LargestNumber(guard, units, pressure);
        var challenge = Convert.ToHexStringLower(Hash(salt, RandomNumberGenerator.GetInt32(largest + 1)));
        var signature = Convert.ToHexStringLower(keys.Sign(Encoding.ASCII.GetBytes(challenge)));
        return new PuzzleToSolve(Algorithm, challenge, largest, salt, signature);
    }

    /// <summary>Judges a solution, as the widget sends it: JSON in base64.</summary>
    /// <param name="solution">The header's value.</param>
    /// <param name="subject">The shopper who sent it.</param>
    /// <param name="units">The units that the request asks for.</param>
    /// <returns>The outcome, and the challenge if the solution solves one that a gateway has signed.</returns>
    public (ProofOutcome Outcome, string Challenge) Judge(string solution, string subject, long units)
    {
        if (solution.Length == 0) return (ProofOutcome.Missing, "");
        if (Read(solution) is not { } read) return (ProofOutcome.Malformed, "");

        var challenge = read.Challenge.ToLowerInvariant();
        if (!keys.HasSigned(Encoding.ASCII.GetBytes(challenge), read.Signature)) return (ProofOutcome.Wrong, "");
        if (!Hash(read.Salt, read.Number).AsSpan().SequenceEqual(Convert.FromHexString(challenge)))
        {
            return (ProofOutcome.Wrong, "");
        }

        // From here on the salt is known to be a gateway's.
        if (read.Expires <= time.GetUtcNow().ToUnixTimeSeconds()) return (ProofOutcome.Expired, challenge);
        if (read.For != BindingOf(subject)) return (ProofOutcome.Foreign, challenge);
        return (read.Units < units ? ProofOutcome.Insufficient : ProofOutcome.Solved, challenge);
    }

    private static byte[] Hash(string salt, long number) => SHA256.HashData(
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{salt}{number}")));

    // A hash in place of the subject: a challenge may stay in pages and logs.
    private static string BindingOf(string subject) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(subject)).AsSpan(0, BindingBytes));

    private static Solution? Read(string text)
    {
        if (text.Length > MaxLength || !Base64.IsValid(text)) return null;
        try
        {
            using var json = JsonDocument.Parse(Convert.FromBase64String(text));
            var fields = json.RootElement;
            var algorithm = fields.GetProperty("algorithm").GetString();
            var challenge = fields.GetProperty("challenge").GetString();
            var salt = fields.GetProperty("salt").GetString();
            var signature = fields.GetProperty("signature").GetString();
            var number = fields.GetProperty("number").GetInt64();
            if (algorithm != Algorithm || challenge?.Length != 2 * HashBytes || signature?.Length != 2 * HashBytes
                || salt is null || number < 0 || Parameters(salt) is not var (expires, binding, units))
            {
                return null;
            }

            Convert.FromHexString(challenge);
            return new(challenge, number, salt, Convert.FromHexString(signature), expires, binding, units);
        }
        catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException
            or InvalidOperationException)
        {
            // Not the gateway's error: an attacker's guess, or a mistake of a client.
            return null;
        }
    }

    private static (long Expires, string For, long Units)? Parameters(string salt)
    {
        var query = salt.IndexOf('?', StringComparison.Ordinal);
        if (query < 0 || !salt.EndsWith(EndOfSalt)) return null;
        // A challenge of a gateway from before challenges had units is for one.
        var (expires, units) = (-1L, 1L);
        string? binding = null;
        foreach (var pair in salt[(query + 1)..].Split(EndOfSalt, StringSplitOptions.RemoveEmptyEntries))
        {
            switch (pair.Split('=', 2))
            {
                case ["expires", var value]
                    when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out expires):
                    break;
                case ["for", var value]:
                    binding = value;
                    break;
                case ["units", var value]
                    when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out units):
                    break;
            }
        }

        return expires >= 0 && binding is not null ? (expires, binding, units) : null;
    }

    private sealed record Solution(
        string Challenge, long Number, string Salt, byte[] Signature, long Expires, string For, long Units);
}
