using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;

namespace Aspire.Hosting.Processes;

/// <summary>
/// Hands out loopback ports. A random port is written down, so that the next run of the AppHost uses it again and a
/// client or a person who remembers it still finds the resource.
/// </summary>
internal sealed class PortBook(DataFolders folders)
{
    // Below the ephemeral range of Linux (32768): a client redialling a dead server there can be given its port.
    private const int First = 20_000;
    private const int End = 32_000;

    // Shared by all applications of a test process, for a port is taken only when its process listens.
    private static readonly HashSet<int> Given = [];

    private readonly Dictionary<string, int> remembered = Read(folders);

    /// <summary>Whether nothing listens on a port of the loopback interface.</summary>
    public static bool IsFree(int port) =>
        CanListen(IPAddress.Loopback, port) && (!Socket.OSSupportsIPv6 || CanListen(IPAddress.IPv6Loopback, port));

    /// <summary>Returns a port for an endpoint, the one of the last run if it is free.</summary>
    /// <param name="key">Names the endpoint and replica.</param>
    public int Random(string key)
    {
        lock (Given)
        {
            var port = remembered.TryGetValue(key, out var earlier) ? earlier : Next();
            while (!IsFree(port) || !Given.Add(port))
            {
                port = Next();
            }

            return remembered[key] = port;
        }
    }

    /// <summary>Writes the ports down.</summary>
    public void Save() => DataFolders.WriteSecret(FileIn(folders), JsonSerializer.Serialize(remembered));

    /// <summary>Lets the ports be used by another application of this process.</summary>
    public void Release()
    {
        lock (Given)
        {
            Given.ExceptWith(remembered.Values);
        }
    }

    private static int Next() => RandomNumberGenerator.GetInt32(First, End);

    private static string FileIn(DataFolders folders) => Path.Combine(folders.Root, "ports.json");

    private static Dictionary<string, int> Read(DataFolders folders)
    {
        try
        {
            return File.Exists(FileIn(folders))
                ? JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(FileIn(folders))) ?? []
                : [];
        }
        catch (JsonException)
        {
            // Someone edited it. New ports serve as well.
            return [];
        }
    }

    private static bool CanListen(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException e)
        {
            // A machine may know IPv6 and have no ::1.
            return e.SocketErrorCode == SocketError.AddressNotAvailable;
        }
    }
}
