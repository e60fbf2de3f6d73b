using System.Net;
using System.Net.Sockets;

namespace Inventory.Gateway.RateLimiting;

/// <summary>The network address that a request is charged to.</summary>
internal static class ClientAddress
{
    private const int NetworkBytes = 8;

    /// <summary>
    /// An IPv4 address is used whole, an IPv6 address by its /64: one subscriber gets a /64, and can change the rest at
    /// will.
    /// </summary>
    /// <param name="address">
    /// The connection's address, or the one that a trusted proxy reports: <see cref="TrustedProxies"/>. Null for a
    /// connection without an address, such as a Unix socket.
    /// </param>
    public static string Of(IPAddress? address)
    {
        if (address is null) return "local";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address.ToString();

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[NetworkBytes..].Clear();
        return new IPAddress(bytes) + "/64";
    }
}
