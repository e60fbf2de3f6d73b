using System.IO.Pipelines;
using Pipelines.Sockets.Unofficial.Transports;

namespace Pipelines.Sockets.Unofficial;

/// <summary>Streams, such as an authenticated TLS stream, as pipes.</summary>
public static class StreamConnection
{
    /// <summary>Starts reading from and writing to a stream.</summary>
    /// <param name="stream">Can be read and written at the same time; the pipe owns it from now on.</param>
    /// <param name="sendPipeOptions">Buffers, back-pressure and schedulers of the output; null: defaults.</param>
    /// <param name="receivePipeOptions">The same for the input.</param>
    /// <param name="name">What the pipe's ToString returns.</param>
    /// <returns>
    /// A running pipe, which is also <see cref="IMeasuredDuplexPipe"/> and <see cref="IDisposable"/> and fails as
    /// <see cref="SocketConnection"/> does.
    /// </returns>
    public static IDuplexPipe GetDuplex(
        Stream stream, PipeOptions? sendPipeOptions, PipeOptions? receivePipeOptions, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var pump = new DuplexPump(new StreamTransport(stream), sendPipeOptions, receivePipeOptions);
        pump.Start();
        return new StreamDuplexPipe(pump, name);
    }

    /// <summary>Reads a stream through a pipe.</summary>
    /// <param name="stream">A stream to read; it stays the caller's.</param>
    /// <param name="pipeOptions">The pool and the least segment size are used; null: defaults.</param>
    /// <param name="name">Unused: a reader has no place to show it.</param>
    /// <returns>A reader that asks the stream for more only when it is asked itself.</returns>
    public static PipeReader GetReader(Stream stream, PipeOptions? pipeOptions = null, string? name = null)
    {
        PipeOptions options = pipeOptions ?? PipeOptions.Default;
        int bufferSize = Math.Max(options.MinimumSegmentSize, 4096);
        return PipeReader.Create(stream, new StreamPipeReaderOptions(options.Pool, bufferSize, leaveOpen: true));
    }

    private sealed class StreamDuplexPipe(DuplexPump pump, string? name) : IMeasuredDuplexPipe, IDisposable
    {
        public PipeReader Input => pump.Input;

        public PipeWriter Output => pump.Output;

        public long TotalBytesSent => pump.BytesSent;

        public long TotalBytesReceived => pump.BytesReceived;

        public void Dispose() => pump.Dispose();

        public override string ToString() => name ?? nameof(StreamConnection);
    }
}
