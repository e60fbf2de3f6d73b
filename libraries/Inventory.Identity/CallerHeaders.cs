namespace Inventory.Identity;

/// <summary>The headers that say who is calling, and who may set them.</summary>
public static class CallerHeaders
{
    /// <summary>A backend's or an operator's key. Callers send it; the gateway passes it on.</summary>
    public const string ApiKey = "X-Api-Key";

    /// <summary>
    /// What only the gateway may tell the API: it removes every header that begins so from what callers send.
    /// </summary>
    public const string GatewayPrefix = "X-Inventory-";

    /// <summary>The shopper whose session the gateway has checked; see <see cref="ShopperSubject"/>.</summary>
    public const string Shopper = GatewayPrefix + "Shopper";

    /// <summary>
    /// What the API tells the gateway in an answer: the units that a request has taken from stock, as
    /// <c>sku-1=2,sku-2=1</c>. Absent when it took none. The gateway keeps it to itself.
    /// </summary>
    public const string UnitsTaken = GatewayPrefix + "Units-Taken";
}
