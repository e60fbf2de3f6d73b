namespace Inventory.Identity;

/// <summary>The headers that identify a caller.</summary>
public static class CallerHeaders
{
    /// <summary>A backend's or an operator's key. Callers send it; the gateway passes it on.</summary>
    public const string ApiKey = "X-Api-Key";

    /// <summary>
    /// Prefix of the headers that only the gateway may set. The gateway removes every such header from incoming
    /// requests.
    /// </summary>
    public const string GatewayPrefix = "X-Inventory-";

    /// <summary>The shopper whose session the gateway has checked; see <see cref="ShopperSubject"/>.</summary>
    public const string Shopper = GatewayPrefix + "Shopper";

    /// <summary>
    /// A response header for the gateway: the units that a request has taken from stock, as <c>sku-1=2,sku-2=1</c>. The
    /// API omits it when no units were taken; the gateway removes it from the response.
    /// </summary>
    public const string UnitsTaken = GatewayPrefix + "Units-Taken";
}
