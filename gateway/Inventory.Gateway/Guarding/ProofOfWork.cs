using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Guarding;

/// <summary>A task as ALTCHA's widget takes it: find the number up to <c>maxnumber</c> behind the hash.</summary>
/// <param name="Algorithm">SHA-256.</param>
/// <param name="Challenge">SHA-256 of salt and number, in hex.</param>
/// <param name="Maxnumber">The number is at most this.</param>
/// <param name="Salt">Random, and when and for whom the solution counts.</param>
/// <param name="Signature">HMAC-SHA256 of the challenge, in hex.</param>
internal sealed record PuzzleToSolve(
    string Algorithm, string Challenge, long Maxnumber, string Salt, string Signature);

/// <summary>What a solution is worth.</summary>
internal enum ProofOutcome
{
    /// <summary>It solves a challenge of ours that was made for this shopper, and is in time.</summary>
    Solved,

    /// <summary>There is none.</summary>
    Missing,

    /// <summary>It can't be read.</summary>
    Malformed,

    /// <summary>It solves nothing that a gateway has signed.</summary>
    Wrong,

    /// <summary>It came too late.</summary>
    Expired,

    /// <summary>The challenge was another shopper's.</summary>
    Foreign,

    /// <summary>It was good, and has been used.</summary>
    Reused,
}

/// <summary>
/// Makes challenges in the first version of ALTCHA's format, and judges solutions, without remembering any: what has to
/// be known stands in the salt, the challenge covers the salt, and the signature the challenge.
/// </summary>
internal sealed class ProofOfWork(ChallengeKeys keys, IOptions<GuardOptions> options, TimeProvider time)
{
    private const string Algorithm = "SHA-256";
    private const int SaltBytes = 12, BindingBytes = 12, HashBytes = SHA256.HashSizeInBytes;

    // Ours have some 400 characters. What is longer is not ours, and costs no cryptography.
    private const int MaxLength = 2_048;

    // Salt and number are hashed without a gap. This end of the salt keeps anybody from moving digits of the number
    // into the time that stands before it.
    private const char EndOfSalt = '&';

    /// <summary>A new challenge for this shopper.</summary>
    public PuzzleToSolve Issue(string subject)
    {
        var guard = options.Value;
        var expires = (time.GetUtcNow() + guard.ChallengeLifetime).ToUnixTimeSeconds();
        var random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SaltBytes));
        var salt = string.Create(
            CultureInfo.InvariantCulture, $"{random}?expires={expires}&for={BindingOf(subject)}{EndOfSalt}");
        var challenge = Convert.ToHexStringLower(Hash(salt, RandomNumberGenerator.GetInt32(guard.MaxNumber + 1)));
        var signature = Convert.ToHexStringLower(keys.Sign(Encoding.ASCII.GetBytes(challenge)));
        return new PuzzleToSolve(Algorithm, challenge, guard.MaxNumber, salt, signature);
    }

    /// <summary>Judges a solution, as the widget sends it: JSON in base64.</summary>
    /// <param name="solution">What the request brought.</param>
    /// <param name="subject">Whose request it is.</param>
    /// <returns>What it is worth, and where it isn't nothing, the challenge that it solves.</returns>
    public (ProofOutcome Outcome, string Challenge) Judge(string solution, string subject)
    {
        if (solution.Length == 0) return (ProofOutcome.Missing, "");
        if (Read(solution) is not { } read) return (ProofOutcome.Malformed, "");

        var challenge = read.Challenge.ToLowerInvariant();
        if (!keys.HasSigned(Encoding.ASCII.GetBytes(challenge), read.Signature)) return (ProofOutcome.Wrong, "");
        if (!Hash(read.Salt, read.Number).AsSpan().SequenceEqual(Convert.FromHexString(challenge)))
        {
            return (ProofOutcome.Wrong, "");
        }

        // From here on the salt is ours.
        if (read.Expires <= time.GetUtcNow().ToUnixTimeSeconds()) return (ProofOutcome.Expired, challenge);
        return (read.For == BindingOf(subject) ? ProofOutcome.Solved : ProofOutcome.Foreign, challenge);
    }

    private static byte[] Hash(string salt, long number) => SHA256.HashData(
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{salt}{number}")));

    // Not the subject itself: a challenge may lie about in pages and logs.
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
                || salt is null || number < 0 || Parameters(salt) is not var (expires, binding))
            {
                return null;
            }

            Convert.FromHexString(challenge);
            return new(challenge, number, salt, Convert.FromHexString(signature), expires, binding);
        }
        catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException
            or InvalidOperationException)
        {
            // Not an error of ours: a script that tries, or a client that gets it wrong.
            return null;
        }
    }

    private static (long Expires, string For)? Parameters(string salt)
    {
        var query = salt.IndexOf('?', StringComparison.Ordinal);
        if (query < 0 || !salt.EndsWith(EndOfSalt)) return null;
        long expires = -1;
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
            }
        }

        return expires >= 0 && binding is not null ? (expires, binding) : null;
    }

    private sealed record Solution(
        string Challenge, long Number, string Salt, byte[] Signature, long Expires, string For);
}
