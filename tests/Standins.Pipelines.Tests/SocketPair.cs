using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Pipelines.Sockets.Unofficial;

namespace Standins.Pipelines.Tests;

/// <summary>A connection under test and the bare socket at its other end.</summary>
internal sealed class SocketPair : IDisposable
{
    private SocketPair(SocketConnection connection, Socket peer)
    {
        Connection = connection;
        Peer = peer;
    }

    public SocketConnection Connection { get; }

    public Socket Peer { get; }

    public static async Task<SocketPair> CreateAsync(
        PipeOptions? send = null,
        PipeOptions? receive = null,
        SocketConnectionOptions options = SocketConnectionOptions.None)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!);
        Socket peer = await listener.AcceptAsync();
        SocketConnection.SetRecommendedClientOptions(client);
        return new SocketPair(SocketConnection.Create(client, send, receive, options, "pair"), peer);
    }

    public void ResetByPeer()
    {
        Peer.LingerState = new LingerOption(enable: true, seconds: 0);
        Peer.Dispose();
    }

    public void Dispose()
    {
        Connection.Dispose();
        Peer.Dispose();
    }
}
