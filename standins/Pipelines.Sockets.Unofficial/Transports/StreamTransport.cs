using System.Buffers;

namespace Pipelines.Sockets.Unofficial.Transports;

internal sealed class StreamTransport(Stream stream) : ITransport
{
    public long Available => -1;

    public ValueTask WaitAsync() => default;

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer) => stream.ReadAsync(buffer);

    public async ValueTask<long> SendAsync(ReadOnlySequence<byte> buffer)
    {
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            await stream.WriteAsync(piece).ConfigureAwait(false);
        }

        await stream.FlushAsync().ConfigureAwait(false);
        return buffer.Length;
    }

    /// <summary>Nothing: a stream has no end of one direction only.</summary>
    public void FinishSending()
    {
    }

    public void Close() => stream.Dispose();
}
