using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Inventory.Load.Http;

/// <summary>
/// One kept-alive HTTP/1.1 connection with one request under way at a time. It has no pool and parses few headers, so
/// that generating the load takes little processor time.
/// </summary>
/// <param name="target">Where to connect to; connects on first use, and again after a failure.</param>
internal sealed class HttpConnection(DnsEndPoint target) : IDisposable
{
    private byte[] buffer = new byte[16 * 1024];
    private Socket? socket;
    private int end;

    /// <summary>Whether the last answer had a Retry-After header.</summary>
    public bool TellsWhenToRetry { get; private set; }

    /// <summary>Sends a request and reads its answer.</summary>
    /// <returns>The HTTP status.</returns>
    /// <exception cref="SocketException">There is no connection.</exception>
    /// <exception cref="IOException">The connection ended within the answer.</exception>
    public async Task<int> SendAsync(ReadOnlyMemory<byte> request, CancellationToken stop)
    {
        try
        {
            if (socket is null) await ConnectAsync(stop);
            for (var sent = 0; sent < request.Length;)
            {
                sent += await socket!.SendAsync(request[sent..], SocketFlags.None, stop);
            }
            return await ReadAsync(stop);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        socket?.Dispose();
        socket = null;
    }

    private async Task ConnectAsync(CancellationToken stop)
    {
        var opening = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await opening.ConnectAsync(target, stop);
            socket = opening;
        }
        catch
        {
            opening.Dispose();
            throw;
        }
    }

    private async Task<int> ReadAsync(CancellationToken stop)
    {
        end = 0;
        int head;
        while ((head = buffer.AsSpan(0, end).IndexOf("\r\n\r\n"u8)) < 0) await FillAsync(stop);

        var status = int.Parse(buffer.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture);
        var headers = Encoding.ASCII.GetString(buffer, 0, head);
        TellsWhenToRetry = Header(headers, "Retry-After") is not null;
        if (Header(headers, "Content-Length") is { } length)
        {
            var whole = head + 4 + int.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture);
            while (end < whole) await FillAsync(stop);
        }
        else if (Header(headers, "Transfer-Encoding") is not null)
        {
            while (!buffer.AsSpan(0, end).EndsWith("0\r\n\r\n"u8)) await FillAsync(stop);
        }

        if (Header(headers, "Connection") == "close") Dispose();
        return status;
    }

    private async Task FillAsync(CancellationToken stop)
    {
        if (end == buffer.Length) Array.Resize(ref buffer, 2 * end);
        var read = await socket!.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None, stop);
        if (read == 0) throw new IOException("The connection ended within an answer.");
        end += read;
    }

    private static string? Header(string headers, string name)
    {
        var at = headers.IndexOf($"\r\n{name}: ", StringComparison.OrdinalIgnoreCase);
        if (at < 0) return null;
        var value = headers.AsSpan(at + name.Length + 4);
        var line = value.IndexOf('\r');
        return (line < 0 ? value : value[..line]).ToString();
    }
}
