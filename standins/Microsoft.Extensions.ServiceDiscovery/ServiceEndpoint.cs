using System.Net;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>One address at which a service answers.</summary>
public abstract class ServiceEndpoint
{
    /// <summary>The address: a <see cref="DnsEndPoint"/>, an <see cref="IPEndPoint"/> or a URI.</summary>
    public abstract EndPoint EndPoint { get; }

    /// <summary>Wraps an address.</summary>
    public static ServiceEndpoint Create(EndPoint endPoint) => new Plain(endPoint);

    /// <inheritdoc/>
    public override string ToString() => EndPoint switch
    {
        DnsEndPoint { Port: 0 } dns => dns.Host,
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        var other => other.ToString()!,
    };

    private sealed class Plain(EndPoint endPoint) : ServiceEndpoint
    {
        public override EndPoint EndPoint => endPoint;
    }
}
