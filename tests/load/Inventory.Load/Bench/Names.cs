namespace Inventory.Load.Bench;

/// <summary>Names of the steps in the table and in latest.csv.</summary>
internal static class Names
{
    public const string Script = "script alone";
    public const string Empty = "empty handler";
    public const string EmptyProxied = "empty handler behind YARP";
    public const string ForUpdate = "rival SELECT FOR UPDATE";
    public const string Conditional = "rival conditional UPDATE";
    public const string RedisLock = "rival lock in Redis";
    public const string Batch = "batch of 100";
    public const string Confirm = "confirm one SKU";
    public const string ConfirmAlone = "rival one transaction an order";
    public const string Expiry = "expiry";
    public const string Capture = "change capture";
    public const string Sale = "flash sale";
    public const string OverloadRead = "overload read";
    public const string OverloadReserve = "overload reserve";
    public const string OverloadConfirm = "overload confirm";

    /// <summary>Concurrency at which products, ceilings and rivals are compared.</summary>
    public const int Compared = 64;

    /// <summary>Connections that read during overload; as many others reserve.</summary>
    public const int Crowd = 2_000;

    /// <summary>Memory of a process during overload.</summary>
    public static string Overloaded(string process) => $"overload, process {process}";

    /// <summary>A step of reserving.</summary>
    public static string Reserve(string door, bool hot, int connections) =>
        $"{door} {(hot ? "one SKU" : "10000 SKUs")} c{connections}";

    /// <summary>
    /// One hot SKU through a gateway without rate limits; the difference from <see cref="Reserve"/> is the cost of
    /// limiting.
    /// </summary>
    public static string Unlimited(int connections) => $"gateway without limiter c{connections}";

    /// <summary>
    /// One hot SKU through an extra gateway and API, with the telemetry of a local run, or without.
    /// </summary>
    public static string Observed(bool telemetry) => $"gateway, telemetry {(telemetry ? "on" : "off")} c{Compared}";

    /// <summary>A rival's SQL on one hot SKU, without HTTP.</summary>
    public static string Sql(string design) => $"pgbench {design} one SKU";

    /// <summary>The main figure: one hot SKU through the gateway.</summary>
    public static string Gateway => Reserve("gateway", hot: true, Compared);

    /// <summary>One hot SKU at one replica of the API, without the gateway.</summary>
    public static string Api => Reserve("api", hot: true, Compared);
}
