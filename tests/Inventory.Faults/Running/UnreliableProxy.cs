using System.Net.Sockets;
using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>A proxy that can cut or delay connections. It keeps the order within a connection, as TCP does.</summary>
/// <param name="server">The server's loopback port.</param>
public sealed class UnreliableProxy(int server) : LoopbackProxy(server)
{
    private readonly Lock access = new();
    private CancellationTokenSource connections = new();
    private volatile int delayMs;
    private volatile bool isCut;

    /// <summary>Breaks every connection, and every new one until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        lock (access)
        {
            isCut = true;
            connections.Cancel();
            connections.Dispose();
            connections = new();
        }
    }

    /// <summary>Delays all data by this time.</summary>
    public void Delay(TimeSpan by) => delayMs = (int)by.TotalMilliseconds;

    /// <summary>Ends a cut or a delay.</summary>
    public void Mend() => (isCut, delayMs) = (false, 0);

    /// <inheritdoc/>
    protected override async Task ServeAsync(NetworkStream near, NetworkStream far, CancellationToken cancellation)
    {
        CancellationTokenSource either;
        lock (access)
        {
            if (isCut) return;
            either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, connections.Token);
        }

        using (either)
        {
            await await Task.WhenAny(PassAsync(near, far, either.Token), PassAsync(far, near, either.Token));
        }
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to, CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReadAsync(buffer, cancellation) is var length and > 0)
        {
            if (delayMs > 0) await Task.Delay(delayMs, cancellation);
            await to.WriteAsync(buffer.AsMemory(0, length), cancellation);
        }
    }
}
