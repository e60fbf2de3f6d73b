using System.Net;
using System.Net.Sockets;

namespace Inventory.Gateway.RateLimiting;

/// <summary>The network address that a request is charged to.</summary>
internal static class ClientAddress
{
    private const int NetworkBytes = 7;

    // Addresses that stand for IPv4 ones, in their last four bytes (RFC 6052).
    private static readonly System.Net.IPNetwork Translated = System.Net.IPNetwork.Parse("64:ff9b::/96");

    /// <summary>
    /// An IPv4 address is used whole, also one that comes translated to IPv6. Of another IPv6 address the first 56 bits
    /// count: that is what a provider gives one customer, who can change the rest at will.
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
        if (Translated.Contains(address)) return new IPAddress(bytes[12..]).ToString();
        bytes[NetworkBytes..].Clear();
        return new IPAddress(bytes) + "/56";
    }
}
