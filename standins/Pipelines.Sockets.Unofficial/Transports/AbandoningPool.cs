using System.Buffers;

namespace Pipelines.Sockets.Unofficial.Transports;

/// <summary>A pool that takes buffers back only while it isn't abandoned.</summary>
/// <remarks>
/// A pipe that is over gives its buffers back even while another thread is in the middle of writing into one, as
/// a client's writer is when a connection fails. The next owner of such a buffer would find foreign bytes in its
/// requests. So the buffers of a connection that has ended are left to the garbage collector.
/// </remarks>
internal sealed class AbandoningPool(MemoryPool<byte> inner) : MemoryPool<byte>
{
    private volatile bool _abandoned;

    public override int MaxBufferSize => inner.MaxBufferSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Owner(this, inner.Rent(minBufferSize));

    public void Abandon() => _abandoned = true;

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Owner(AbandoningPool pool, IMemoryOwner<byte> inner) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => inner.Memory;

        public void Dispose()
        {
            if (!pool._abandoned) inner.Dispose();
        }
    }
}
