using System.Net;
using System.Net.Sockets;

namespace Inventory.Testing;

/// <summary>A proxy between a client and a server on loopback; derived classes decide what passes.</summary>
public abstract class LoopbackProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly int server;
    private readonly Task accepting;

    /// <param name="server">The server's loopback port.</param>
    protected LoopbackProxy(int server)
    {
        this.server = server;
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>The loopback port that clients connect to.</summary>
    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Cuts all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        stopping.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Serves one connection; both ends are closed when this ends.</summary>
    /// <param name="near">The stream to the client.</param>
    /// <param name="far">The stream to the server.</param>
    /// <param name="cancellation">Cancelled when the proxy is disposed of.</param>
    protected abstract Task ServeAsync(NetworkStream near, NetworkStream far, CancellationToken cancellation);

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The proxy was disposed of.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient();
        // No delay: proxies that measure or hold single messages need them as they are sent.
        (near.NoDelay, far.NoDelay) = (true, true);
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, server, stopping.Token);
            await ServeAsync(near.GetStream(), far.GetStream(), stopping.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // One end has closed; returning closes both.
        }
    }
}
