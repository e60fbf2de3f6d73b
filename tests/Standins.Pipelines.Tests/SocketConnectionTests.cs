using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Pipelines.Sockets.Unofficial;

namespace Standins.Pipelines.Tests;

public sealed class SocketConnectionTests
{
    [Theory]
    [InlineData(SocketConnectionOptions.None)]
    [InlineData(SocketConnectionOptions.ZeroLengthReads)]
    public async Task Megabytes_in_many_segments_go_both_ways_unchanged(SocketConnectionOptions options)
    {
        using SocketPair pair = await SocketPair.CreateAsync(options: options);
        byte[] bytes = new byte[10_000_001];
        new Random(1).NextBytes(bytes);

        Task echoing = EchoAsync(pair.Peer);
        Task<byte[]> reading = ReadAsync(pair.Connection.Input, bytes.Length);
        for (int sent = 0, size = 1; sent < bytes.Length; size = (size * 3 % 70_001) + 1)
        {
            int count = Math.Min(size, bytes.Length - sent);
            // No flush in between, so that sends find many segments at once.
            pair.Connection.Output.Write(bytes.AsSpan(sent, count));
            sent += count;
            if (size % 5 == 0) await pair.Connection.Output.FlushAsync();
        }

        await pair.Connection.Output.FlushAsync();
        byte[] read = await reading.WaitAsync(Connect.Patience);
        await pair.Connection.Output.CompleteAsync();
        await echoing.WaitAsync(Connect.Patience);

        Assert.True(bytes.AsSpan().SequenceEqual(read));
        Assert.Equal(bytes.Length, pair.Connection.BytesSent);
        Assert.Equal(bytes.Length, pair.Connection.BytesRead);
        Assert.True(pair.Connection.LastReceived > 0);
        Assert.Equal(0, pair.Connection.GetCounters().BytesWaitingToBeRead);
        Assert.Equal(0, pair.Connection.GetCounters().BytesWaitingToBeSent);
    }

    [Fact]
    public async Task The_end_of_the_peers_stream_ends_the_input_and_not_the_output()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        await pair.Peer.SendAsync("last words"u8.ToArray());
        pair.Peer.Shutdown(SocketShutdown.Send);

        byte[] read = await ReadAsync(pair.Connection.Input, 10);
        ReadResult end = await pair.Connection.Input.ReadAsync();
        await pair.Connection.Output.WriteAsync("still here"u8.ToArray());
        byte[] answer = new byte[10];
        await pair.Peer.ReceiveAsync(answer);

        Assert.Equal("last words"u8, read);
        Assert.True(end.IsCompleted && end.Buffer.IsEmpty);
        Assert.Equal("still here"u8, answer);
        Assert.Equal(PipeShutdownKind.ReadEndOfStream, pair.Connection.ShutdownKind);
    }

    [Fact]
    public async Task Completing_the_output_sends_the_rest_and_then_ends_the_stream()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        byte[] bytes = new byte[3_000_000];
        pair.Connection.Output.Write(bytes);
        await pair.Connection.Output.CompleteAsync();

        using var stream = new NetworkStream(pair.Peer);
        using var received = new MemoryStream();
        await stream.CopyToAsync(received).WaitAsync(Connect.Patience);
        await pair.Peer.SendAsync("thanks"u8.ToArray());

        Assert.Equal(bytes.Length, received.Length);
        byte[] answer = await ReadAsync(pair.Connection.Input, 6);
        Assert.Equal("thanks"u8, answer);
    }

    [Fact]
    public async Task A_reset_fails_reader_and_writer_at_once()
    {
        using SocketPair pair = await SocketPair.CreateAsync(send: SmallPipe());
        Task<ReadResult> reading = pair.Connection.Input.ReadAsync().AsTask();
        Task<FlushResult> flushing = FillAsync(pair.Connection.Output);

        pair.ResetByPeer();

        await Assert.ThrowsAsync<ConnectionResetException>(() => flushing.WaitAsync(Connect.Patience));
        await Task.WhenAny(reading).WaitAsync(Connect.Patience);
        // The system reports a reset once. When it told the send, the receive may find just the end of the stream.
        Assert.True(reading.Exception?.InnerException is ConnectionResetException || (await reading).IsCompleted);
        Assert.NotEqual(PipeShutdownKind.None, pair.Connection.ShutdownKind);
    }

    [Fact]
    public async Task A_reset_of_an_idle_connection_is_noticed_without_sending()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        Task<ReadResult> reading = pair.Connection.Input.ReadAsync().AsTask();

        pair.ResetByPeer();

        await Assert.ThrowsAsync<ConnectionResetException>(() => reading.WaitAsync(Connect.Patience));
        // The failure reaches the writer too, without a send that would have to fail first.
        await Assert.ThrowsAsync<ConnectionResetException>(
            () => FillAsync(pair.Connection.Output).WaitAsync(Connect.Patience));
        Assert.Equal(0, pair.Connection.BytesSent);
    }

    [Fact]
    public async Task Dispose_from_several_threads_lets_reader_and_writer_go()
    {
        for (int round = 0; round < 50; round++)
        {
            using SocketPair pair = await SocketPair.CreateAsync(send: SmallPipe());
            Task<ReadResult> reading = pair.Connection.Input.ReadAsync().AsTask();
            Task<FlushResult> flushing = FillAsync(pair.Connection.Output);

            Parallel.For(0, 4, _ => pair.Connection.Dispose());

            Assert.True((await reading.WaitAsync(Connect.Patience)).IsCompleted);
            Assert.True((await flushing.WaitAsync(Connect.Patience)).IsCompleted);
            Assert.Equal(PipeShutdownKind.PipeDisposed, pair.Connection.ShutdownKind);
        }

        UnobservedExceptions.AssertNone();
    }

    [Fact]
    public async Task A_cancelled_read_leaves_the_connection_usable()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        using var cancel = new CancellationTokenSource();
        Task<ReadResult> reading = pair.Connection.Input.ReadAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        Task<ReadResult> pending = pair.Connection.Input.ReadAsync().AsTask();
        pair.Connection.Input.CancelPendingRead();
        ReadResult cancelled = await pending;
        pair.Connection.Input.AdvanceTo(cancelled.Buffer.Start);
        await pair.Peer.SendAsync("after"u8.ToArray());

        Assert.True(cancelled.IsCanceled);
        byte[] read = await ReadAsync(pair.Connection.Input, 5);
        Assert.Equal("after"u8, read);
    }

    [Fact]
    public async Task Completing_the_input_leaves_the_bytes_being_read_alone()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        await pair.Peer.SendAsync("being read"u8.ToArray());
        ReadResult result = await pair.Connection.Input.ReadAtLeastAsync(10);

        await Task.Run(() => pair.Connection.Input.Complete());
        pair.Connection.Dispose();
        byte[] read = result.Buffer.ToArray();
        pair.Connection.Input.AdvanceTo(result.Buffer.End);
        ReadResult after = await pair.Connection.Input.ReadAsync();
        pair.Connection.Input.AdvanceTo(after.Buffer.End);

        Assert.Equal("being read"u8, read);
        Assert.True(after.IsCompleted && after.Buffer.IsEmpty);
        Assert.True(pair.Connection.Input.TryRead(out _));
    }

    [Fact]
    public async Task Completing_the_input_lets_a_waiting_read_go()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        Task<ReadResult> reading = pair.Connection.Input.ReadAsync().AsTask();

        pair.Connection.Input.Complete();

        Assert.True((await reading.WaitAsync(Connect.Patience)).IsCanceled);
        Assert.Equal(PipeShutdownKind.InputReaderCompleted, pair.Connection.ShutdownKind);
    }

    [Fact]
    public async Task Buffers_being_written_when_the_connection_ends_get_no_other_owner()
    {
        var pool = new CountingPool();
        using SocketPair pair = await SocketPair.CreateAsync(new PipeOptions(pool));
        Task<ReadResult> reading = pair.Connection.Input.ReadAsync().AsTask();
        Memory<byte> beingWritten = pair.Connection.Output.GetMemory(100);

        await pair.Connection.Output.CompleteAsync();
        pair.Connection.Dispose();
        await reading.WaitAsync(Connect.Patience);
        beingWritten.Span.Fill(1);

        Assert.Equal(1, pool.Rented);
        Assert.Equal(0, pool.Returned);
    }

    [Fact]
    public async Task Zero_length_reads_take_no_buffer_while_nothing_arrives()
    {
        var pool = new CountingPool();
        using SocketPair pair = await SocketPair.CreateAsync(
            null, new PipeOptions(pool), SocketConnectionOptions.ZeroLengthReads);
        Assert.Equal(0, pool.Rented);

        await pair.Peer.SendAsync("now"u8.ToArray());
        byte[] read = await ReadAsync(pair.Connection.Input, 3);

        Assert.Equal("now"u8, read);
        // The kernel may call a socket readable once more after it has been emptied.
        Assert.InRange(pool.Rented, 1, 2);
    }

    [Fact]
    public async Task Writers_and_senders_are_held_back_at_the_thresholds()
    {
        const int pause = 64 * 1024, chunk = 16 * 1024, total = 30_000_000, largestReceive = 256 * 1024;
        var options = new PipeOptions(pauseWriterThreshold: pause, resumeWriterThreshold: pause / 2);
        using SocketPair pair = await SocketPair.CreateAsync(options, options);
        Task echoing = EchoAsync(pair.Peer);
        Task writing = Task.Run(async () =>
        {
            for (int sent = 0; sent < total; sent += chunk)
            {
                await pair.Connection.Output.WriteAsync(new byte[chunk]);
                Assert.InRange(pair.Connection.GetCounters().BytesWaitingToBeSent, 0, pause + chunk);
            }

            await pair.Connection.Output.CompleteAsync();
        });

        long read = 0;
        while (true)
        {
            ReadResult result = await pair.Connection.Input.ReadAsync();
            Assert.InRange(pair.Connection.GetCounters().BytesWaitingToBeRead, 0, pause + largestReceive);
            ReadOnlySequence<byte> part = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, 10_000));
            read += part.Length;
            pair.Connection.Input.AdvanceTo(part.End);
            if (part.IsEmpty && result.IsCompleted) break;
        }

        await writing.WaitAsync(Connect.Patience);
        await echoing.WaitAsync(Connect.Patience);
        Assert.Equal((total + chunk - 1) / chunk * (long)chunk, read);
    }

    [Fact]
    public async Task Only_a_protocol_may_announce_the_end_and_only_first()
    {
        using SocketPair pair = await SocketPair.CreateAsync();

        Assert.False(pair.Connection.TrySetProtocolShutdown(PipeShutdownKind.ReadEndOfStream));
        Assert.True(pair.Connection.TrySetProtocolShutdown(PipeShutdownKind.ProtocolExitClient));
        Assert.False(pair.Connection.TrySetProtocolShutdown(PipeShutdownKind.ProtocolExitServer));
        pair.Connection.Dispose();
        Assert.Equal(PipeShutdownKind.ProtocolExitClient, pair.Connection.ShutdownKind);
        Assert.Equal("pair", pair.Connection.ToString());
    }

    private static PipeOptions SmallPipe() => new(pauseWriterThreshold: 32 * 1024, resumeWriterThreshold: 16 * 1024);

    /// <summary>Writes until something ends it.</summary>
    private static async Task<FlushResult> FillAsync(PipeWriter output)
    {
        while (true)
        {
            FlushResult flushed = await output.WriteAsync(new byte[10_000]);
            if (flushed.IsCompleted) return flushed;
        }
    }

    private static async Task<byte[]> ReadAsync(PipeReader input, int count)
    {
        ReadResult result = await input.ReadAtLeastAsync(count).AsTask().WaitAsync(Connect.Patience);
        byte[] bytes = result.Buffer.Slice(0, count).ToArray();
        input.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }

    private static async Task EchoAsync(Socket peer)
    {
        byte[] buffer = new byte[100_000];
        while (await peer.ReceiveAsync(buffer) is var count and > 0)
        {
            for (int sent = 0; sent < count;) sent += await peer.SendAsync(buffer.AsMemory(sent, count - sent));
        }

        peer.Shutdown(SocketShutdown.Send);
    }
}
