using System.Buffers;

namespace Standins.Pipelines.Tests;

/// <summary>Counts the buffers that a pipe takes and gives back.</summary>
internal sealed class CountingPool : MemoryPool<byte>
{
    private int _rented;
    private int _returned;

    public int Rented => Volatile.Read(ref _rented);

    public int Returned => Volatile.Read(ref _returned);

    public override int MaxBufferSize => int.MaxValue;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        Interlocked.Increment(ref _rented);
        return new Owner(this, new byte[Math.Max(minBufferSize, 4096)]);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Owner(CountingPool pool, byte[] bytes) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => bytes;

        public void Dispose() => Interlocked.Increment(ref pool._returned);
    }
}
