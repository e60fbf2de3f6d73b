using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Inventory.Contracts;
using Inventory.ReservationApi.Problems;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Payments;

/// <summary>Checks that an attempt comes from a payment provider and is fresh: Standard Webhooks, version v1.</summary>
internal sealed class WebhookSignature(IOptions<WebhookOptions> options, TimeProvider time)
{
    internal const string Id = "webhook-id", Timestamp = "webhook-timestamp", Signature = "webhook-signature";

    private const int MaxIdLength = 256;
    private const string Version = "v1,";

    /// <summary>Most signatures that are checked. A provider sends one for each secret it has.</summary>
    private const int MaxSignatures = 16;

    private readonly byte[][] keys = [.. options.Value.WebhookSecrets.Select(secret => WebhookOptions.Key(secret)!)];

    /// <summary>Null, unless the attempt has to be refused.</summary>
    /// <param name="headers">Its headers.</param>
    /// <param name="body">Its body, as it came.</param>
    /// <param name="eventId">The provider's name for the event.</param>
    /// <param name="sentAt">When this attempt was made, by the provider's clock.</param>
    internal Refusal? Check(IHeaderDictionary headers, byte[] body, out string eventId, out DateTimeOffset sentAt)
    {
        sentAt = default;
        eventId = headers[Id] is [{ Length: <= MaxIdLength } id] ? id : "";
        if (eventId.Length == 0 || eventId.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return Invalid($"{Id} must be given once, as 1 to {MaxIdLength} printable ASCII characters.");
        }

        if (headers[Timestamp] is not [{ Length: > 0 } timestamp] || !TryReadTime(timestamp, out sentAt))
        {
            return Invalid($"{Timestamp} must be given once, in seconds since 1970.");
        }

        if (headers[Signature] is not [{ Length: > 0 } signatures]) return Invalid($"{Signature} must be given once.");
        if (!IsSigned($"{eventId}.{timestamp}.", body, signatures))
        {
            return Invalid("None of the signatures was made from this body with a secret that is known here.");
        }

        var distance = (time.GetUtcNow() - sentAt).Duration();
        return distance <= options.Value.Tolerance ? null : Refusal.Of(Problem.WebhookTimestampOutOfTolerance,
            $"{Timestamp} differs from the server's clock by {distance.TotalSeconds:F0} s.");
    }

    private static Refusal Invalid(string detail) => Refusal.Of(Problem.WebhookSignatureInvalid, detail);

    private static bool TryReadTime(string text, out DateTimeOffset time)
    {
        time = default;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            return false;
        }

        time = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return true;
    }

    /// <summary>Compares every signature with every key, each in constant time, also after a match.</summary>
    private bool IsSigned(string prefix, byte[] body, string signatures)
    {
        byte[] content = [.. Encoding.UTF8.GetBytes(prefix), .. body];
        var expected = Array.ConvertAll(keys, key => HMACSHA256.HashData(key, content));
        var given = new byte[HMACSHA256.HashSizeInBytes + 1];
        var found = false;
        foreach (var signature in signatures.Split(' ', MaxSignatures + 1).Take(MaxSignatures))
        {
            if (!signature.StartsWith(Version, StringComparison.Ordinal)) continue;
            if (!Convert.TryFromBase64String(signature[Version.Length..], given, out var length)) continue;
            var code = given.AsMemory(0, length);
            foreach (var one in expected) found |= CryptographicOperations.FixedTimeEquals(one, code.Span);
        }

        return found;
    }
}
