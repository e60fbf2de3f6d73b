using System.Net;
using System.Net.Sockets;

namespace Inventory.Gateway.Tests.Proxying;

/// <summary>
/// A port with a full connection queue: the kernel drops further attempts without an answer, as if the host had lost
/// its network.
/// </summary>
internal sealed class SwallowingPort : IDisposable
{
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> queued = [];

    public SwallowingPort()
    {
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        // Linux queues one more connection than the backlog says; some extra ones do no harm.
        for (var i = 0; i < 4; i++)
        {
            var queued = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            queued.Blocking = false;
            this.queued.Add(queued);
            try
            {
                queued.Connect(listener.LocalEndPoint!);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                // The kernel continues to connect, which fills the queue.
            }
        }
    }

    public string Address => $"http://{listener.LocalEndPoint}";

    public void Dispose()
    {
        foreach (var queued in this.queued) queued.Dispose();
        listener.Dispose();
    }
}
