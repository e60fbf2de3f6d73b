using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Pipelines.Sockets.Unofficial;

/// <summary>A socket operation that can be awaited again and again without allocating.</summary>
/// <remarks>
/// Use: <c>if (!socket.SendAsync(args)) args.Complete(); int count = await args;</c>. One awaiter at a time.
/// After <see cref="Abort"/> the socket may still be working on the operation: don't start another.
/// </remarks>
public sealed class SocketAwaitableEventArgs : SocketAsyncEventArgs, ICriticalNotifyCompletion
{
    private static readonly Action Done = static () => { };
    private static readonly Action<object?> Run = static continuation => ((Action)continuation!)();

    private readonly PipeScheduler? _scheduler;
    private Action? _continuation;
    private int _abortedWith;

    /// <summary>Makes arguments for one operation at a time.</summary>
    /// <param name="ioScheduler">Where the awaiter continues; null continues on the thread that completed.</param>
    public SocketAwaitableEventArgs(PipeScheduler? ioScheduler = null)
        : base(true) =>
        _scheduler = ReferenceEquals(ioScheduler, PipeScheduler.Inline) ? null : ioScheduler;

    /// <summary>Whether the operation has ended.</summary>
    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref _continuation), Done);

    /// <summary>For <c>await</c>.</summary>
    /// <returns>This.</returns>
    public SocketAwaitableEventArgs GetAwaiter() => this;

    /// <summary>The outcome, once; the arguments can then be used again.</summary>
    /// <returns>Number of bytes transferred.</returns>
    /// <exception cref="SocketException">The operation failed or was aborted.</exception>
    public int GetResult()
    {
        Volatile.Write(ref _continuation, null);
        int error = Volatile.Read(ref _abortedWith);
        if (error == 0) error = (int)SocketError;
        return error == 0 ? BytesTransferred : throw new SocketException(error);
    }

    /// <inheritdoc />
    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    /// <inheritdoc />
    public void UnsafeOnCompleted(Action continuation)
    {
        // The operation may end between IsCompleted and here: then nobody else will call the continuation.
        if (Interlocked.CompareExchange(ref _continuation, continuation, null) is not null) Continue(continuation);
    }

    /// <summary>Says that the operation ended at once, or ended at all.</summary>
    public void Complete()
    {
        Action? waiting = Interlocked.Exchange(ref _continuation, Done);
        if (waiting is not null && !ReferenceEquals(waiting, Done)) Continue(waiting);
    }

    /// <summary>Lets the awaiter go with an error, whatever becomes of the operation. Safe at any time.</summary>
    /// <param name="error">The error to report.</param>
    public void Abort(SocketError error = SocketError.OperationAborted)
    {
        if (error == SocketError.Success) error = SocketError.OperationAborted;
        Volatile.Write(ref _abortedWith, (int)error);
        Complete();
    }

    /// <inheritdoc />
    protected override void OnCompleted(SocketAsyncEventArgs e) => Complete();

    private void Continue(Action continuation)
    {
        if (_scheduler is null) continuation();
        else _scheduler.Schedule(Run, continuation);
    }
}
