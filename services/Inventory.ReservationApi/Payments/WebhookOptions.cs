using System.ComponentModel.DataAnnotations;

namespace Inventory.ReservationApi.Payments;

/// <summary>How payment providers are authenticated. Section <c>Payments</c>.</summary>
public sealed class WebhookOptions
{
    /// <summary>The section of these options in the configuration.</summary>
    public const string Section = "Payments";

    private const string Prefix = "whsec_";
    private const int ShortestKey = 24, LongestKey = 64;

    /// <summary>
    /// Secrets that attempts may be signed with: <c>whsec_</c> and 24 to 64 random bytes in base64. Several while one
    /// replaces another.
    /// </summary>
    [Length(1, 10, ErrorMessage = "Payments:WebhookSecrets must have 1 to 10 secrets to verify payments with.")]
    public string[] WebhookSecrets { get; init; } = [];

    /// <summary>
    /// How far the time of an attempt may be from the server's clock. Bounds how long a recorded attempt can be sent
    /// again.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Tolerance { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The bytes of a secret; null when it isn't one.</summary>
    internal static byte[]? Key(string secret)
    {
        if (!secret.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        var bytes = new byte[LongestKey];
        return Convert.TryFromBase64String(secret[Prefix.Length..], bytes, out var length) && length >= ShortestKey
            ? bytes[..length]
            : null;
    }

    /// <summary>Whether a secret is text, as the one for local runs is; a random one is practically never.</summary>
    internal static bool IsText(string secret) => Key(secret) is { } key && key.All(one => one is >= 0x20 and < 0x7f);
}
