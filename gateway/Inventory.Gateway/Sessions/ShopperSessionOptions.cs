using System.ComponentModel.DataAnnotations;

namespace Inventory.Gateway.Sessions;

/// <summary>How long an anonymous shopper's session lasts.</summary>
public sealed class ShopperSessionOptions
{
    /// <summary>The configuration section these settings are read from.</summary>
    public const string Section = "Gateway:Sessions";

    /// <summary>
    /// How long a session outlives its last request. Must exceed the longest hold: a shopper who comes back while the
    /// hold is active must be the same customer.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "1.00:00:00")]
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// PEM files, each with a certificate and its RSA key. The first encrypts new cookie keys before they are stored in
    /// Redis; all decrypt, so a certificate is replaced by adding its successor before it. Without one the keys are
    /// stored as they are, and are as secret as Redis.
    /// </summary>
    public IReadOnlyList<string> Certificates { get; init; } = [];

    /// <summary>
    /// How old a cookie may get before a request renews it. Once a minute is enough for a sliding expiry, and saves the
    /// header in all other answers.
    /// </summary>
    public TimeSpan RenewAfter => IdleTimeout < TimeSpan.FromMinutes(10) ? IdleTimeout / 10 : TimeSpan.FromMinutes(1);
}
