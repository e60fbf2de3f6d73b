using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Pipelines.Sockets.Unofficial.Transports;

/// <summary>A pipe reader that counts what has been consumed, which a pipe doesn't tell.</summary>
internal sealed class MeteredReader(PipeReader inner, DuplexPump pump) : PipeReader
{
    private ReadOnlySequence<byte> _buffer;
    private long _bytesConsumed;

    public long BytesConsumed => Volatile.Read(ref _bytesConsumed);

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result)) return false;
        _buffer = result.Buffer;
        return true;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> reading = inner.ReadAsync(cancellationToken);
        if (!reading.IsCompletedSuccessfully) return AwaitAsync(reading);
        ReadResult result = reading.Result;
        _buffer = result.Buffer;
        return new(result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // Measured before the pipe takes the segments back.
        long count = _buffer.IsEmpty ? 0 : _buffer.Slice(_buffer.Start, consumed).Length;
        _buffer = default;
        inner.AdvanceTo(consumed, examined);
        Volatile.Write(ref _bytesConsumed, _bytesConsumed + count);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null)
    {
        inner.Complete(exception);
        pump.TryShutdown(PipeShutdownKind.InputReaderCompleted);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> reading)
    {
        ReadResult result = await reading.ConfigureAwait(false);
        _buffer = result.Buffer;
        return result;
    }
}
