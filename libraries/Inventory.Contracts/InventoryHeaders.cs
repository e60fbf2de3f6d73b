namespace Inventory.Contracts;

/// <summary>The headers of HTTP that are ours, or that several of our processes read.</summary>
public static class InventoryHeaders
{
    /// <summary>A backend's or an operator's key. Callers send it; the gateway passes it on.</summary>
    public const string ApiKey = "X-Api-Key";

    /// <summary>Names one effect: a request with a known key gets the answer of the first one.</summary>
    public const string IdempotencyKey = "Idempotency-Key";

    /// <summary>In answers that were given before: <c>true</c>.</summary>
    public const string IdempotentReplayed = "Idempotent-Replayed";

    /// <summary>In the API's refusals: finds the request in logs and traces.</summary>
    public const string TraceId = "Trace-Id";

    /// <summary>The solution of a challenge: base64, as ALTCHA's widget makes it.</summary>
    public const string ProofOfWork = "X-Proof-Of-Work";

    /// <summary>
    /// Prefix of the headers that only the gateway may set. The gateway removes every such header from incoming
    /// requests.
    /// </summary>
    public const string GatewayPrefix = "X-Inventory-";

    /// <summary>The subject of the shopper, taken from the session that the gateway has checked.</summary>
    public const string Shopper = GatewayPrefix + "Shopper";

    /// <summary>
    /// A response header for the gateway: the units that a request has taken from stock, in the form of
    /// <see cref="TakenUnitsText"/>. The API omits it when no units were taken; the gateway removes it from the
    /// response.
    /// </summary>
    public const string UnitsTaken = GatewayPrefix + "Units-Taken";
}
