namespace Pipelines.Sockets.Unofficial.Arenas;

/// <summary>A <see cref="Sequence{T}"/> whose element type isn't said, so that an element may hold one.</summary>
public readonly struct Sequence
{
    private readonly object? _block;
    private readonly int _offset;
    private readonly int _length;

    internal Sequence(object? block, int offset, int length)
    {
        _block = block;
        _offset = offset;
        _length = length;
    }

    /// <summary>Number of elements.</summary>
    public long Length => _length;

    /// <summary>Says the element type again.</summary>
    /// <typeparam name="T">The type that <see cref="Sequence{T}.Untyped"/> was called on.</typeparam>
    /// <returns>The same elements.</returns>
    /// <exception cref="InvalidCastException">The elements are of another type.</exception>
    public Sequence<T> Cast<T>() => new((Block<T>?)_block, _offset, _length);
}
