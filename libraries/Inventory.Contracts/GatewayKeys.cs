namespace Inventory.Contracts;

/// <summary>
/// The keys of the gateways in Redis that the API reads too: it shows the bot guard's state and switches it.
/// <c>lua/guard_watch.lua</c> describes their values.
/// </summary>
public static class GatewayKeys
{
    /// <summary>
    /// One hash tag for all keys of the gateway, because a script charges all identities of a request together: in
    /// Redis Cluster its keys must lie in one slot.
    /// </summary>
    public const string Tag = "{gateway}";

    /// <summary>The version of the guard's state, and the counts of challenges.</summary>
    public const string Guard = Tag + ":guard";

    /// <summary>What the guard has tightened, by <see cref="GuardSubject"/>.</summary>
    public const string GuardTightened = Guard + ":tightened";

    /// <summary>What operators have switched, by SKU.</summary>
    public const string GuardOperator = Guard + ":operator";

    /// <summary>What the guard and operators have done.</summary>
    public const string GuardEvents = Guard + ":events";
}

/// <summary>How an operator has switched a SKU.</summary>
public static class GuardModes
{
    /// <summary>It is tightened until it is switched again.</summary>
    public const string On = "on";

    /// <summary>It is never tightened.</summary>
    public const string Off = "off";

    /// <summary>The guard decides.</summary>
    public const string Automatic = "automatic";
}

/// <summary>The names of what the guard counts units of: a SKU, a session or a network address.</summary>
public static class GuardSubject
{
    private const string SkuPrefix = "sku:";

    /// <summary>A SKU.</summary>
    public static string Sku(string sku) => SkuPrefix + sku;

    /// <summary>A shopper's session.</summary>
    public static string Session(string subject) => "session:" + subject;

    /// <summary>A network address.</summary>
    public static string Address(string address) => "address:" + address;

    /// <summary>The SKU; null for a session or an address.</summary>
    public static string? SkuOf(string name) =>
        name.StartsWith(SkuPrefix, StringComparison.Ordinal) ? name[SkuPrefix.Length..] : null;

    /// <summary>The kind of a subject (sku, session or address), and which one it is.</summary>
    public static (string Kind, string Which) Split(string name)
    {
        var middle = name.IndexOf(':', StringComparison.Ordinal);
        return (name[..middle], name[(middle + 1)..]);
    }
}
