using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Pipelines.Sockets.Unofficial.Transports;

/// <summary>Moves bytes between two pipes and a transport, with one loop a direction.</summary>
/// <remarks>
/// Invariants: a pipe's transport side is touched by its loop alone, so anybody may call <see cref="Dispose"/>;
/// a loop always completes its side of the pipe, so nobody waits for a connection that is gone;
/// the first failure is the one that both sides report, except after a dispose, which is not a failure.
/// The peer's end of stream ends the input only: what was written is still sent.
/// </remarks>
internal sealed class DuplexPump : IDisposable
{
    // A receive is offered at least this much, so that the end of a segment doesn't make tiny receives,
    // and more while receives keep filling it: large replies then take few system calls.
    private const int LeastReceive = 2 * 1024;
    private const int MostReceive = 128 * 1024;

    private readonly ITransport _transport;
    private readonly AbandoningPool _sendPool;
    private readonly Pipe _sendPipe;
    private readonly Pipe _receivePipe;
    private readonly PipeScheduler _receiveScheduler;
    private readonly MeteredReader _input;
    private Exception? _failure;
    private int _disposed;
    private int _shutdownKind;
    private int _socketError;
    private int _lastReceived;
    private long _bytesReceived;
    private long _bytesSent;
    private long _bytesToSend;

    public DuplexPump(ITransport transport, PipeOptions? sendOptions, PipeOptions? receiveOptions)
    {
        _transport = transport;
        PipeOptions send = sendOptions ?? PipeOptions.Default;
        PipeOptions receive = receiveOptions ?? PipeOptions.Default;
        _sendPool = new AbandoningPool(send.Pool);
        _sendPipe = new Pipe(new PipeOptions(
            _sendPool,
            send.ReaderScheduler,
            send.WriterScheduler,
            send.PauseWriterThreshold,
            send.ResumeWriterThreshold,
            send.MinimumSegmentSize,
            send.UseSynchronizationContext));
        _receivePipe = new Pipe(receive);
        _receiveScheduler = receive.WriterScheduler;
        _input = new MeteredReader(_receivePipe.Reader, this);
    }

    public PipeReader Input => _input;

    public PipeWriter Output => _sendPipe.Writer;

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    public long BytesSent => Volatile.Read(ref _bytesSent);

    public int LastReceived => Volatile.Read(ref _lastReceived);

    public PipeShutdownKind ShutdownKind => (PipeShutdownKind)Volatile.Read(ref _shutdownKind);

    public SocketError SocketError => (SocketError)Volatile.Read(ref _socketError);

    public long BytesAvailable => _transport.Available;

    public long BytesWaitingToBeRead => Math.Max(0, BytesReceived - _input.BytesConsumed);

    public long BytesWaitingToBeSent => Volatile.Read(ref _bytesToSend) + _sendPipe.Writer.UnflushedBytes;

    private bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Starts both loops. A loop reports through its pipe, so its task never fails.</summary>
    public void Start()
    {
        // The loops outlive the request that happened to open the connection, so they must not carry its context.
        AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        try
        {
            // Elsewhere, because a peer that never pauses would keep the caller in here.
            _receiveScheduler.Schedule(static pump => _ = ((DuplexPump)pump!).ReceiveAllAsync(), this);
            _ = SendAllAsync();
        }
        finally
        {
            flow?.Undo();
        }
    }

    public bool TryShutdown(PipeShutdownKind kind) =>
        Interlocked.CompareExchange(ref _shutdownKind, (int)kind, (int)PipeShutdownKind.None) == 0;

    /// <summary>Nobody will read any more: the loop ends with the next receive, or with Dispose.</summary>
    public void StopReceiving()
    {
        TryShutdown(PipeShutdownKind.InputReaderCompleted);
        _receivePipe.Writer.CancelPendingFlush();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        TryShutdown(PipeShutdownKind.PipeDisposed);
        _transport.Close();
        _sendPipe.Reader.CancelPendingRead();
        _receivePipe.Writer.CancelPendingFlush();
    }

    private async Task ReceiveAllAsync()
    {
        PipeWriter writer = _receivePipe.Writer;
        Exception? failure = null;
        try
        {
            int offer = LeastReceive;
            while (true)
            {
                await _transport.WaitAsync().ConfigureAwait(false);
                Memory<byte> memory = writer.GetMemory(offer);
                int count = await _transport.ReceiveAsync(memory).ConfigureAwait(false);
                if (count == 0)
                {
                    // A system reports a broken connection once: when to a send, a receive finds the end of the stream.
                    failure = Volatile.Read(ref _failure);
                    TryShutdown(PipeShutdownKind.ReadEndOfStream);
                    break;
                }

                Volatile.Write(ref _lastReceived, count);
                Volatile.Write(ref _bytesReceived, _bytesReceived + count);
                offer = count == memory.Length ? Math.Min(2 * offer, MostReceive) : LeastReceive;
                writer.Advance(count);
                FlushResult flushed = await writer.FlushAsync().ConfigureAwait(false);
                if (flushed.IsCanceled) TryShutdown(PipeShutdownKind.ReadFlushCanceled);
                else if (flushed.IsCompleted) TryShutdown(PipeShutdownKind.ReadFlushCompleted);
                else continue;
                break;
            }
        }
        catch (Exception e)
        {
            failure = Fail(e, "receiving", FailureOfReading(e));
        }

        await writer.CompleteAsync(failure).ConfigureAwait(false);
        if (failure is null) return;
        // A writer must not have to send something to learn that the connection is gone, nor wait for a send to end.
        _sendPipe.Reader.CancelPendingRead();
        _transport.Close();
    }

    private async Task SendAllAsync()
    {
        PipeReader reader = _sendPipe.Reader;
        Exception? failure = null;
        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync().ConfigureAwait(false);
                if (IsDisposed) break;
                failure = Volatile.Read(ref _failure);
                if (failure is not null) break;

                ReadOnlySequence<byte> buffer = read.Buffer;
                if (buffer.IsEmpty)
                {
                    reader.AdvanceTo(buffer.End);
                    if (!read.IsCompleted) continue;
                    TryShutdown(PipeShutdownKind.WriteEndOfStream);
                    _transport.FinishSending();
                    break;
                }

                Volatile.Write(ref _bytesToSend, buffer.Length);
                long sent = await _transport.SendAsync(buffer).ConfigureAwait(false);
                Volatile.Write(ref _bytesSent, _bytesSent + sent);
                Volatile.Write(ref _bytesToSend, _bytesToSend - sent);
                reader.AdvanceTo(buffer.GetPosition(sent));
            }
        }
        catch (Exception e)
        {
            failure = Fail(e, "sending", FailureOfWriting(e));
        }

        _sendPool.Abandon();
        await reader.CompleteAsync(failure).ConfigureAwait(false);
        // Nothing that was sent can be answered any more: whoever waits for answers learns it now.
        if (failure is not null) _transport.Close();
    }

    private Exception? Fail(Exception e, string doing, PipeShutdownKind kind)
    {
        if (IsDisposed) return null;
        SocketError error = (e as SocketException ?? e.InnerException as SocketException)?.SocketErrorCode
            ?? SocketError.Success;
        if (TryShutdown(kind)) Volatile.Write(ref _socketError, (int)error);
        Exception failure = e is SocketException or IOException or ObjectDisposedException
            ? new ConnectionResetException($"The connection broke while {doing}: {e.Message}", e)
            : e;
        return Interlocked.CompareExchange(ref _failure, failure, null) ?? failure;
    }

    private static PipeShutdownKind FailureOfReading(Exception e) => e switch
    {
        SocketException => PipeShutdownKind.ReadSocketError,
        ObjectDisposedException => PipeShutdownKind.ReadDisposed,
        IOException => PipeShutdownKind.ReadIOException,
        _ => PipeShutdownKind.ReadException,
    };

    private static PipeShutdownKind FailureOfWriting(Exception e) => e switch
    {
        SocketException => PipeShutdownKind.WriteSocketError,
        ObjectDisposedException => PipeShutdownKind.WriteDisposed,
        IOException => PipeShutdownKind.WriteIOException,
        _ => PipeShutdownKind.WriteException,
    };
}
