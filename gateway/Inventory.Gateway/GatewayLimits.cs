using System.ComponentModel.DataAnnotations;

namespace Inventory.Gateway;

/// <summary>What one caller, one request and one replica may take from the gateway.</summary>
public sealed class GatewayLimits
{
    /// <summary>The configuration section these limits are read from.</summary>
    public const string Section = "Gateway:Limits";

    /// <summary>
    /// Largest request body, in bytes. A batch of 100 reservations of several lines is about 30 KiB. The same number
    /// bounds what a request that may be repeated keeps in memory.
    /// </summary>
    [Range(1_024, 1_048_576)] public int RequestBodyBytes { get; init; } = 64 * 1_024;

    /// <summary>
    /// All request headers together, in bytes. Half of Kestrel's default: the largest in use are a cookie and a key.
    /// </summary>
    [Range(4_096, 65_536)] public int RequestHeaderBytes { get; init; } = 16 * 1_024;

    /// <summary>Number of request headers. Browsers send about 20; every one is copied to the replica.</summary>
    [Range(16, 200)] public int RequestHeaderCount { get; init; } = 64;

    /// <summary>Method, path and query together, in bytes. The longest has a SKU and a page cursor.</summary>
    [Range(1_024, 16_384)] public int RequestLineBytes { get; init; } = 4 * 1_024;

    /// <summary>Time for the headers to arrive. A client that trickles them wastes a connection.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan RequestHeadersTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a connection may idle between requests. Longer than the 60 s of common load balancers, so that the load
    /// balancer closes it, and the gateway never does so while a request arrives.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:05", "00:30:00")]
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>
    /// Connections open at once. At 20 to 30 KiB each this is some 500 MiB; a flood beyond it is closed at accept,
    /// which is cheaper than any answer. Twice <see cref="Streams"/>, so that readers leave room for buyers.
    /// </summary>
    [Range(100, 200_000)] public int ConcurrentConnections { get; init; } = 20_000;

    /// <summary>
    /// Connections of one address, an IPv6 one counted by its network. Many shoppers may share an address, and a
    /// browser opens some six. Trusted proxies are not bound.
    /// </summary>
    [Range(10, 200_000)] public int ConnectionsPerAddress { get; init; } = 2_000;

    /// <summary>Streams open at once: of stock, and of the waiting queue.</summary>
    [Range(1, 100_000)] public int Streams { get; init; } = 10_000;

    /// <summary>Streams of one address, without those of callers with a key.</summary>
    [Range(1, 100_000)] public int StreamsPerAddress { get; init; } = 1_000;

    /// <summary>Streams of one shopper's session: some windows of a shop.</summary>
    [Range(1, 100_000)] public int StreamsPerSession { get; init; } = 20;

    /// <summary>
    /// Longest an ordinary request may take, a second attempt included, and before that its body to arrive. A shopper
    /// has given up by then, and a reserve takes milliseconds. Streams and operators' runs are exempt: see the routes'
    /// <c>TimeoutPolicy</c>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:02:00")]
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Longest time without data on an exchange, in either direction. Only the exempt routes ever reach it: it ends a
    /// stream when its replica hangs. Must be at least twice the replicas' heartbeat on streams.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan ActivityTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Time for a TCP connection to a replica. Inside one network it takes under a millisecond; a host that drops
    /// packets must cost a caller less than the caller's own timeout, since another replica is tried afterwards.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:30")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Connections to one replica for requests, and as many for payments; further ones wait for one to come free.
    /// HTTP/1.1 needs one per request in flight: at 5,000 requests/s and 50 ms that is 250. Streams and health probes
    /// have connections of their own.
    /// </summary>
    [Range(8, 10_000)] public int ConnectionsPerReplica { get; init; } = 1_024;

    /// <summary>
    /// Longest life of a connection to a replica. Bounds how long the gateway misses that a name points elsewhere.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan ConnectionLifetime { get; init; } = TimeSpan.FromMinutes(5);
}
