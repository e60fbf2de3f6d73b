using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pipelines.Sockets.Unofficial.Transports;

internal sealed class SocketTransport(Socket socket, bool zeroLengthReads) : ITransport
{
    // A kernel takes 1,024 pieces at most; 64 pipe segments are half a megabyte already, more than a socket buffers.
    private const int MostPieces = 64;

    private readonly List<ArraySegment<byte>> _pieces = [];
    private SocketAwaitableEventArgs? _gather;

    public long Available
    {
        get
        {
            try
            {
                return socket.Available;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Asked for a report on a connection that may be breaking at this moment.
                return -1;
            }
        }
    }

    public ValueTask WaitAsync() => zeroLengthReads && socket.Available == 0 ? WaitForBytesAsync() : default;

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer) => socket.ReceiveAsync(buffer, SocketFlags.None);

    public ValueTask<long> SendAsync(ReadOnlySequence<byte> buffer)
    {
        if (!buffer.IsSingleSegment) return GatherAsync(buffer);
        ValueTask<int> sending = socket.SendAsync(buffer.First, SocketFlags.None);
        return sending.IsCompletedSuccessfully ? new(sending.Result) : AwaitAsync(sending);
    }

    public void FinishSending()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection is gone: the peer has nothing to be told.
        }
    }

    public void Close()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Broken or closed before: what was wanted.
        }

        socket.Dispose();
    }

    private async ValueTask WaitForBytesAsync() =>
        await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<long> AwaitAsync(ValueTask<int> sending) => await sending.ConfigureAwait(false);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<long> GatherAsync(ReadOnlySequence<byte> buffer)
    {
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            if (piece.IsEmpty) continue;
            // Not an array only when the pipe's pool is native memory: such a piece goes out alone.
            if (!MemoryMarshal.TryGetArray(piece, out ArraySegment<byte> segment)) break;
            _pieces.Add(segment);
            if (_pieces.Count == MostPieces) break;
        }

        if (_pieces.Count == 0) return await socket.SendAsync(FirstNotEmpty(buffer)).ConfigureAwait(false);

        SocketAwaitableEventArgs args = _gather ??= new SocketAwaitableEventArgs();
        args.BufferList = _pieces;
        // The arguments have copied the list, and the next send starts with an empty one whatever becomes of this.
        _pieces.Clear();
        if (!socket.SendAsync(args)) args.Complete();
        return await args;
    }

    private static ReadOnlyMemory<byte> FirstNotEmpty(in ReadOnlySequence<byte> buffer)
    {
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            if (!piece.IsEmpty) return piece;
        }

        throw new ArgumentException("There is nothing to send.", nameof(buffer));
    }
}
