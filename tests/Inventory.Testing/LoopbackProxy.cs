using System.Net;
using System.Net.Sockets;

namespace Inventory.Testing;

/// <summary>Stands between a client and a server on loopback; what passes is up to the kind of proxy.</summary>
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
    /// <param name="near">To the client.</param>
    /// <param name="far">To the server.</param>
    /// <param name="cancellation">The proxy is disposed of.</param>
    protected abstract Task ServeAsync(NetworkStream near, NetworkStream far, CancellationToken cancellation);

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Disposed of.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient();
        // Whoever measures or holds single messages wants them as they are sent.
        (near.NoDelay, far.NoDelay) = (true, true);
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, server, stopping.Token);
            await ServeAsync(near.GetStream(), far.GetStream(), stopping.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // Either end has gone; leaving closes both.
        }
    }
}
