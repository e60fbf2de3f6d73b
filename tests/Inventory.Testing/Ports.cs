using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Inventory.Testing;

/// <summary>Free ports of the loopback interface.</summary>
public static class Ports
{
    // Below the ephemeral range of Linux (32768). A client that reconnects to a dead server's ephemeral port can get
    // that port as its own, connects to itself, and the server can't use it any more.
    private const int First = 20_000;
    private const int AfterLast = 32_000;

    /// <summary>
    /// A port that was free a moment ago. Another process may take it before the server does, so callers must retry.
    /// </summary>
    public static int Free()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(First, AfterLast);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The port is taken; try another.
            }
        }
    }
}
