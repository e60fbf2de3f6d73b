using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pipelines.Sockets.Unofficial;
using StackExchange.Redis;

namespace Standins.Pipelines.Tests;

public sealed class StreamConnectionTests
{
    [Fact]
    public async Task Redis_answers_over_tls_and_a_killed_server_is_noticed()
    {
        using X509Certificate2 certificate = SelfSigned();
        int port = RedisServer.FreePort();
        await using var server = new RedisServer
        {
            Arguments =
            [
                "--tls-port", $"{port}", "--tls-cert-file", "c.pem", "--tls-key-file", "k.pem",
                "--tls-ca-cert-file", "c.pem", "--tls-auth-clients", "no",
            ],
        };
        await File.WriteAllTextAsync(Path.Combine(server.Folder, "c.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(
            Path.Combine(server.Folder, "k.pem"), certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        await server.StartAsync();
        ConfigurationOptions options = Connect.Options(port);
        options.Ssl = true;
        options.CertificateValidation += (_, shown, _, _) => shown?.GetCertHashString() == certificate.Thumbprint;
        await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(options);
        IDatabase db = redis.GetDatabase();
        byte[] value = new byte[2_000_000];
        new Random(2).NextBytes(value);
        await db.StringSetAsync("large", value);
        Task<long>[] answers = [.. Enumerable.Range(0, 5_000).Select(_ => db.StringIncrementAsync("count"))];

        Assert.Equal(Enumerable.Range(1, 5_000).Select(i => (long)i), await Task.WhenAll(answers));
        Assert.Equal(value, (byte[]?)await db.StringGetAsync("large"));

        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        redis.ConnectionFailed += (_, _) => failed.TrySetResult();
        await server.KillAsync();
        await failed.Task.WaitAsync(Connect.Patience);
        UnobservedExceptions.AssertNone();
    }

    [Fact]
    public async Task A_reader_of_a_stream_reads_it_to_its_end_and_leaves_it_open()
    {
        byte[] bytes = new byte[100_000];
        new Random(3).NextBytes(bytes);
        using var stream = new MemoryStream(bytes);
        PipeReader reader = StreamConnection.GetReader(stream);

        ReadResult result = await reader.ReadAtLeastAsync(bytes.Length + 1);
        byte[] read = result.Buffer.ToArray();
        await reader.CompleteAsync();

        Assert.True(result.IsCompleted);
        Assert.Equal(bytes, read);
        Assert.True(stream.CanRead);
    }

    [Fact]
    public async Task A_stream_that_fails_in_one_direction_fails_the_other_that_is_stuck()
    {
        using var stream = new StuckStream();
        IDuplexPipe pipe = StreamConnection.GetDuplex(stream, null, null, "stuck");
        Task<ReadResult> reading = pipe.Input.ReadAsync().AsTask();
        pipe.Output.Write(new byte[1_000_000]);
        Task<FlushResult> flushing = pipe.Output.FlushAsync().AsTask();
        await stream.Writing.WaitAsync(Connect.Patience);

        stream.FailReading();

        await Assert.ThrowsAsync<ConnectionResetException>(() => reading.WaitAsync(Connect.Patience));
        var failure = await Assert.ThrowsAsync<ConnectionResetException>(() => flushing.WaitAsync(Connect.Patience));
        Assert.Equal("no more", failure.InnerException?.Message);
        Assert.Equal(0, ((IMeasuredDuplexPipe)pipe).TotalBytesReceived);
        ((IDisposable)pipe).Dispose();
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    /// <summary>Reads until it is told to fail; writes until it is disposed.</summary>
    private sealed class StuckStream : MemoryStream
    {
        private readonly TaskCompletionSource<int> _read = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _write = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _writing = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Writing => _writing.Task;

        public void FailReading() => _read.SetException(new IOException("no more"));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(_read.Task);

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _writing.TrySetResult();
            return new(_write.Task);
        }

        protected override void Dispose(bool disposing)
        {
            _write.TrySetException(new ObjectDisposedException(nameof(StuckStream)));
            base.Dispose(disposing);
        }
    }
}
