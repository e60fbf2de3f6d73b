using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Pipelines.Sockets.Unofficial.Transports;

/// <summary>
/// The input's reader: counts what has been consumed, and may be completed by one thread while another is reading.
/// </summary>
/// <remarks>
/// StackExchange.Redis does the latter when a connection fails. A pipe takes its buffers back at that moment, and
/// the reading thread would see a reply change under its eyes; so a completion waits for the read that is going on
/// to end with AdvanceTo, and every later read finds the end of the stream. A read that never ends keeps its
/// buffers until the garbage collector finds them, which only a connection that is over can bring about.
/// </remarks>
internal sealed class MeteredReader(PipeReader inner, DuplexPump pump) : PipeReader
{
    private static readonly ReadResult End = new(default, isCanceled: false, isCompleted: true);

    private readonly Lock _lock = new();
    private bool _reading;
    private bool _completed;
    private Exception? _completedWith;
    private ReadOnlySequence<byte> _buffer;
    private long _bytesConsumed;

    public long BytesConsumed => Volatile.Read(ref _bytesConsumed);

    public override bool TryRead(out ReadResult result)
    {
        if (!TryBegin())
        {
            result = End;
            return true;
        }

        if (!inner.TryRead(out result))
        {
            EndRead();
            return false;
        }

        _buffer = result.Buffer;
        return true;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (!TryBegin()) return new(End);
        ValueTask<ReadResult> reading = inner.ReadAsync(cancellationToken);
        if (!reading.IsCompletedSuccessfully) return AwaitAsync(reading);
        ReadResult result = reading.Result;
        _buffer = result.Buffer;
        return new(result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_lock)
        {
            if (!_reading && _completed) return;
        }

        // Measured before the pipe takes the segments back.
        bool none = _buffer.IsEmpty || consumed.GetObject() is null;
        long count = none ? 0 : _buffer.Slice(_buffer.Start, consumed).Length;
        _buffer = default;
        inner.AdvanceTo(consumed, examined);
        Volatile.Write(ref _bytesConsumed, _bytesConsumed + count);
        EndRead();
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null)
    {
        bool later;
        lock (_lock)
        {
            if (_completed) return;
            _completed = true;
            _completedWith = exception;
            later = _reading;
        }

        pump.StopReceiving();
        if (later) inner.CancelPendingRead();
        else inner.Complete(exception);
    }

    private bool TryBegin()
    {
        lock (_lock)
        {
            if (_completed) return false;
            _reading = true;
            return true;
        }
    }

    private void EndRead()
    {
        lock (_lock)
        {
            _reading = false;
            if (!_completed) return;
        }

        inner.Complete(_completedWith);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> reading)
    {
        try
        {
            ReadResult result = await reading.ConfigureAwait(false);
            _buffer = result.Buffer;
            return result;
        }
        catch
        {
            // No buffer was handed out, so there will be no AdvanceTo.
            EndRead();
            throw;
        }
    }
}
