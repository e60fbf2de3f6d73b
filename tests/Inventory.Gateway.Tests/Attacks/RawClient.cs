using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Inventory.Gateway.Tests.Attacks;

/// <summary>One connection to a server, over which a test sends any bytes it likes.</summary>
public sealed class RawClient : IDisposable
{
    private readonly TcpClient client;
    private readonly NetworkStream stream;
    private readonly StreamReader reader;

    private RawClient(TcpClient client)
    {
        (this.client, stream) = (client, client.GetStream());
        reader = new StreamReader(stream, Encoding.UTF8);
    }

    /// <summary>Connects to a server on this machine.</summary>
    /// <param name="port">The server's port.</param>
    /// <param name="from">The local address to come from: any of 127.0.0.0/8.</param>
    public static async Task<RawClient> ConnectAsync(int port, string from = "127.0.0.1")
    {
        var client = new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0));
        await client.ConnectAsync(IPAddress.Loopback, port);
        return new RawClient(client);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes);

    /// <summary>The next line, without its end; null when the server has closed the connection.</summary>
    public async Task<string?> LineAsync()
    {
        try
        {
            return await reader.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>All that comes until the server closes the connection.</summary>
    public async Task<string> RestAsync()
    {
        var text = new StringBuilder();
        while (await LineAsync() is { } line) text.Append(line).Append('\n');
        return text.ToString();
    }

    public void Dispose()
    {
        reader.Dispose();
        stream.Dispose();
        client.Dispose();
    }
}
