using System.Net;
using System.Net.Mime;
using Inventory.ServiceDefaults.Draining;
using Yarp.ReverseProxy.Transforms;

namespace Inventory.Gateway.Proxying;

/// <summary>
/// Ends server-sent events when this gateway stops, as if the replica had ended them: clients reconnect, to another
/// gateway. After a cut they would reconnect too, but every cut would look like a failure.
/// </summary>
internal sealed class EndingStreams(InstanceDrain drain) : ResponseTransform
{
    public override ValueTask ApplyAsync(ResponseTransformContext context)
    {
        if (context.ProxyResponse is { Content: { } events } response
            && events.Headers.ContentType?.MediaType == MediaTypeNames.Text.EventStream)
        {
            response.Content = new EndingContent(events, drain.StreamsEnd);
        }

        return ValueTask.CompletedTask;
    }

    private sealed class EndingContent(HttpContent events, CancellationToken end) : HttpContent
    {
        protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
            new EndingStream(await events.ReadAsStreamAsync(cancellationToken), end);

        protected override Task<Stream> CreateContentReadStreamAsync() =>
            CreateContentReadStreamAsync(CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            throw new NotSupportedException("An event stream can be read, but not copied.");

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) events.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class EndingStream(Stream events, CancellationToken end) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, end);
            try
            {
                return await events.ReadAsync(buffer, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return 0;
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
