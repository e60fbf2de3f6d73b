using System.Net;
using Inventory.Gateway.RateLimiting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway;

/// <summary>
/// Bounds the connections of one address, so that one address can't take all that this gateway serves. A connection
/// beyond the bound is closed at once, which is cheaper than any answer.
/// </summary>
/// <remarks>By design: a trusted proxy isn't bound; its connections are those of all its clients.</remarks>
internal sealed class ConnectionLimit(IOptions<GatewayLimits> limits, IOptions<TrustedProxyOptions> proxies)
{
    private readonly int most = limits.Value.ConnectionsPerAddress;
    private readonly System.Net.IPNetwork[] exempt = [.. proxies.Value.Networks];
    private readonly OpenCounts open = new();

    /// <summary>Bounds the connections of an endpoint.</summary>
    public void Apply(ListenOptions endpoint) =>
        endpoint.Use(accept => connection => ServeAsync(connection, accept));

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate accept)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        if (address is null || IsExempt(address))
        {
            await accept(connection);
            return;
        }

        var client = ClientAddress.Of(address);
        if (!open.TryEnter(client, most))
        {
            connection.Abort(new ConnectionAbortedException("Too many connections of one address."));
            return;
        }

        try
        {
            await accept(connection);
        }
        finally
        {
            open.Leave(client);
        }
    }

    private bool IsExempt(IPAddress address)
    {
        if (exempt.Length == 0) return false;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return exempt.Any(network => network.Contains(address));
    }
}
