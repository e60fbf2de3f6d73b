using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Standins.Pipelines.Tests;

/// <summary>
/// Stands between a client and a server, cuts or joins what passes at random, and can reset every connection.
/// </summary>
internal sealed class ChaosProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<Socket, Socket> _open = new();
    private readonly int _target;
    private readonly int? _seed;
    private readonly Task _accepting;
    private int _streams;

    /// <summary>Starts to listen.</summary>
    /// <param name="target">Port of the server.</param>
    /// <param name="seed">Seed of the pieces' sizes; null passes everything as it comes.</param>
    public ChaosProxy(int target, int? seed = null)
    {
        _target = target;
        _seed = seed;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>
    /// From now until the next reset, answers stay in the proxy. A connection that has lost one answer never gets
    /// another, because it would take it for the lost one.
    /// </summary>
    public bool HoldAnswers { get; set; }

    /// <summary>Resets all connections of this moment: both ends see RST, not the end of a stream.</summary>
    public int ResetAll()
    {
        int count = 0;
        // First, because a client is quick to connect again.
        HoldAnswers = false;
        foreach ((Socket one, Socket other) in _open)
        {
            if (!_open.TryRemove(one, out _)) continue;
            Reset(one);
            Reset(other);
            count++;
        }

        return count;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        ResetAll();
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other direction has seen the end and closed it.
        }

        socket.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.NoDelay = server.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target);
            }
            catch (SocketException)
            {
                Reset(client);
                continue;
            }

            _open[client] = server;
            _ = PassAsync(client, server, answers: false);
            _ = PassAsync(server, client, answers: true);
        }
    }

    private async Task PassAsync(Socket from, Socket to, bool answers)
    {
        Random? random = _seed is { } seed ? new Random(seed + Interlocked.Increment(ref _streams)) : null;
        byte[] buffer = new byte[64 * 1024];
        bool held = false;
        try
        {
            while (true)
            {
                int most = random?.Next(1, random.Next(2) == 0 ? 20 : buffer.Length) ?? buffer.Length;
                int count = await from.ReceiveAsync(buffer.AsMemory(0, most));
                if (count == 0) break;
                held |= answers && HoldAnswers;
                if (held) continue;
                if (random?.Next(3) == 0 && from.Available > 0) count += from.Receive(buffer.AsSpan(count));
                await SendInPiecesAsync(to, buffer.AsMemory(0, count), random);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Reset, by us or by an end: the other end must see it too.
            Reset(from);
            Reset(to);
        }
    }

    private static async Task SendInPiecesAsync(Socket to, ReadOnlyMemory<byte> bytes, Random? random)
    {
        bool cut = random?.Next(3) > 0;
        while (!bytes.IsEmpty)
        {
            int piece = cut ? random!.Next(1, 40) : bytes.Length;
            int sent = await to.SendAsync(bytes[..Math.Min(piece, bytes.Length)]);
            bytes = bytes[sent..];
            if (cut) await Task.Yield();
        }
    }
}
