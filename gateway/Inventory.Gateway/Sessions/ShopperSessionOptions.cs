using System.ComponentModel.DataAnnotations;

namespace Inventory.Gateway.Sessions;

/// <summary>How long an anonymous shopper is remembered.</summary>
public sealed class ShopperSessionOptions
{
    /// <summary>The configuration section these settings are read from.</summary>
    public const string Section = "Gateway:Sessions";

    /// <summary>
    /// How long a session outlives its last request. Longer than the longest hold, or a shopper who is away for the
    /// length of a hold comes back as somebody else.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "1.00:00:00")]
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// How old a cookie may grow before a request renews it: once a minute is enough to slide, and spares all other
    /// answers a header.
    /// </summary>
    public TimeSpan RenewAfter => IdleTimeout < TimeSpan.FromMinutes(10) ? IdleTimeout / 10 : TimeSpan.FromMinutes(1);
}
