using System.IO.Pipelines;
using System.Net.Sockets;
using Pipelines.Sockets.Unofficial.Transports;

namespace Pipelines.Sockets.Unofficial;

/// <summary>A connected socket as a pair of pipes.</summary>
/// <remarks>
/// When the connection breaks, reading <see cref="Input"/> and flushing <see cref="Output"/> throw
/// <see cref="ConnectionResetException"/> at once; the input may just end when the system told the break to a send.
/// When the peer ends its stream, <see cref="Input"/> completes and <see cref="Output"/> goes on. Completing
/// <see cref="Output"/> sends the rest and then ends the stream. <see cref="Dispose"/> ends everything, from any
/// thread, without sending the rest.
/// </remarks>
public sealed class SocketConnection : IMeasuredDuplexPipe, IDisposable
{
    private readonly DuplexPump _pump;
    private readonly string? _name;

    private SocketConnection(DuplexPump pump, string? name)
    {
        _pump = pump;
        _name = name;
    }

    /// <inheritdoc />
    public PipeReader Input => _pump.Input;

    /// <inheritdoc />
    public PipeWriter Output => _pump.Output;

    /// <summary>Bytes received, whether read from <see cref="Input"/> or not.</summary>
    public long BytesRead => _pump.BytesReceived;

    /// <summary>Bytes the socket has accepted for sending.</summary>
    public long BytesSent => _pump.BytesSent;

    /// <summary>Bytes the last receive brought.</summary>
    public int LastReceived => _pump.LastReceived;

    /// <summary>What ended the connection first.</summary>
    public PipeShutdownKind ShutdownKind => _pump.ShutdownKind;

    /// <summary>The error that ended the connection, if one did.</summary>
    public SocketError SocketError => _pump.SocketError;

    long IMeasuredDuplexPipe.TotalBytesSent => _pump.BytesSent;

    long IMeasuredDuplexPipe.TotalBytesReceived => _pump.BytesReceived;

    /// <summary>Nothing to check: System.IO.Pipelines is a part of the runtime.</summary>
    public static void AssertDependencies()
    {
    }

    /// <summary>Sets what suits a client that pipelines small requests.</summary>
    /// <param name="socket">The socket, connected or not.</param>
    public static void SetRecommendedClientOptions(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        // A request must not wait for the acknowledgement of the one before it.
        if (socket.ProtocolType == ProtocolType.Tcp) socket.NoDelay = true;
    }

    /// <summary>Starts receiving from and sending to a socket.</summary>
    /// <param name="socket">A connected socket; the connection owns it from now on.</param>
    /// <param name="sendPipeOptions">Pool, thresholds and schedulers of <see cref="Output"/>; null: defaults.</param>
    /// <param name="receivePipeOptions">The same for <see cref="Input"/>.</param>
    /// <param name="connectionOptions">How the socket is used.</param>
    /// <param name="name">What <see cref="ToString"/> returns.</param>
    /// <returns>A running connection.</returns>
    public static SocketConnection Create(
        Socket socket,
        PipeOptions? sendPipeOptions,
        PipeOptions? receivePipeOptions,
        SocketConnectionOptions connectionOptions = SocketConnectionOptions.None,
        string? name = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        bool zeroLengthReads = connectionOptions.HasFlag(SocketConnectionOptions.ZeroLengthReads);
        var pump = new DuplexPump(new SocketTransport(socket, zeroLengthReads), sendPipeOptions, receivePipeOptions);
        pump.Start();
        return new SocketConnection(pump, name);
    }

    /// <summary>Records that the protocol ended the conversation, which then is no failure.</summary>
    /// <param name="kind">One of the two protocol kinds.</param>
    /// <returns>True when nothing else ended it before, and the kind is one of the two.</returns>
    public bool TrySetProtocolShutdown(PipeShutdownKind kind) =>
        kind is PipeShutdownKind.ProtocolExitClient or PipeShutdownKind.ProtocolExitServer && _pump.TryShutdown(kind);

    /// <summary>Where bytes are waiting at this moment; a report, not a basis for decisions.</summary>
    /// <returns>The numbers.</returns>
    public Counters GetCounters() =>
        new(_pump.BytesAvailable, _pump.BytesWaitingToBeRead, _pump.BytesWaitingToBeSent);

    /// <summary>Closes the socket; whoever waits for <see cref="Input"/> or <see cref="Output"/> is let go.</summary>
    public void Dispose() => _pump.Dispose();

    /// <inheritdoc />
    public override string ToString() => _name ?? nameof(SocketConnection);

    /// <summary>Bytes that wait somewhere.</summary>
    /// <param name="bytesAvailableOnSocket">Arrived, and still in the socket; -1 when the socket can't tell.</param>
    /// <param name="bytesWaitingToBeRead">Received, and not consumed from the input.</param>
    /// <param name="bytesWaitingToBeSent">Written to the output, and not accepted by the socket.</param>
    public readonly struct Counters(long bytesAvailableOnSocket, long bytesWaitingToBeRead, long bytesWaitingToBeSent)
    {
        /// <summary>Arrived, and still in the socket; -1 when the socket can't tell.</summary>
        public long BytesAvailableOnSocket { get; } = bytesAvailableOnSocket;

        /// <summary>Received, and not consumed from the input.</summary>
        public long BytesWaitingToBeRead { get; } = bytesWaitingToBeRead;

        /// <summary>Written to the output, and not accepted by the socket.</summary>
        public long BytesWaitingToBeSent { get; } = bytesWaitingToBeSent;
    }
}
