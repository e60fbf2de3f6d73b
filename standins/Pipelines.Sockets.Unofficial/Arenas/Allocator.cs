using System.Buffers;

namespace Pipelines.Sockets.Unofficial.Arenas;

/// <summary>Where an <see cref="Arena{T}"/> gets its blocks.</summary>
/// <typeparam name="T">Element type.</typeparam>
public abstract class Allocator<T>
{
    /// <summary>Hands out a block.</summary>
    /// <param name="minimumLength">Least number of elements, 1 or more.</param>
    /// <returns>An array of at least that length with unspecified contents.</returns>
    public abstract T[] Rent(int minimumLength);

    /// <summary>Takes back a block that nobody uses any more.</summary>
    /// <param name="block">What <see cref="Rent"/> returned; the arena has cleared what it must.</param>
    public abstract void Return(T[] block);
}

internal sealed class PooledAllocator<T> : Allocator<T>
{
    public static PooledAllocator<T> Shared { get; } = new();

    public override T[] Rent(int minimumLength) => ArrayPool<T>.Shared.Rent(minimumLength);

    public override void Return(T[] block) => ArrayPool<T>.Shared.Return(block);
}
