using System.Runtime.CompilerServices;

namespace Pipelines.Sockets.Unofficial.Arenas;

/// <summary>
/// Hands out sequences that all end together at <see cref="Reset"/>, from blocks that are kept for the next round.
/// </summary>
/// <remarks>
/// Invariants: a block never moves while a sequence may point into it; everything from the first block up to
/// the current position is in use, everything after it is clean when elements hold references.
/// One thread at a time allocates and resets. <see cref="Dispose"/> may come from any thread.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
public sealed class Arena<T> : IDisposable
{
    // Large replies use few large blocks, so that walking to an index stays short; the pool keeps arrays of this size.
    private const int LargestBlock = 64 * 1024;

    private readonly ArenaOptions _options;
    private readonly Allocator<T> _allocator;
    private readonly int _blockLength;
    private readonly bool _clear;
    private Block<T>? _first;
    private Block<T>? _current;
    private int _usedOfCurrent;
    private long _retained;
    private volatile bool _disposed;

    /// <summary>Makes an arena; it takes no memory before the first allocation.</summary>
    /// <param name="options">Settings; null chooses the defaults.</param>
    /// <param name="allocator">Source of blocks; null chooses the shared array pool.</param>
    public Arena(ArenaOptions? options = null, Allocator<T>? allocator = null)
    {
        _options = options ?? ArenaOptions.Default;
        _allocator = allocator ?? PooledAllocator<T>.Shared;
        _blockLength = Math.Max(1, _options.BlockSizeBytes / Unsafe.SizeOf<T>());
        _clear = _options.Flags.HasFlag(ArenaFlags.ClearAtReset) || RuntimeHelpers.IsReferenceOrContainsReferences<T>();
    }

    /// <summary>Takes elements whose contents are unspecified.</summary>
    /// <param name="length">Number of elements, 0 or more.</param>
    /// <returns>A sequence, of several segments when a block has no room for it; valid until the reset.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="ObjectDisposedException">The arena has been disposed.</exception>
    public Sequence<T> Allocate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length == 0) return default;

        Block<T> current = _current ??= _first = Rent(length);
        if (_usedOfCurrent == current.Items.Length) current = MoveToNext(current, length);
        var sequence = new Sequence<T>(current, _usedOfCurrent, length);

        int missing = length;
        for (int room = current.Items.Length - _usedOfCurrent; missing > room; room = current.Items.Length)
        {
            missing -= room;
            current = MoveToNext(current, missing);
        }

        _usedOfCurrent += missing;
        return sequence;
    }

    /// <summary>Ends all sequences, and gives blocks back that the retention policy doesn't keep.</summary>
    public void Reset()
    {
        Block<T>? first = _first;
        if (first is null || (_usedOfCurrent == 0 && first.Next is null)) return;

        long used = 0;
        for (Block<T> block = first; ; block = block.Next!)
        {
            bool last = ReferenceEquals(block, _current);
            int count = last ? _usedOfCurrent : block.Items.Length;
            if (_clear) Array.Clear(block.Items, 0, count);
            used += count;
            if (last) break;
        }

        _current = first;
        _usedOfCurrent = 0;
        if (first.Next is not null) Trim(first, used);
    }

    /// <summary>Refuses further allocations.</summary>
    /// <remarks>
    /// Blocks are left to the garbage collector, not returned to the pool: the connection is disposed by one
    /// thread while another may still be reading a reply, and a block must not get a second owner then.
    /// </remarks>
    public void Dispose() => _disposed = true;

    private Block<T> Rent(int wanted) =>
        new(_allocator.Rent(Math.Max(_blockLength, Math.Min(wanted, LargestBlock))));

    private Block<T> MoveToNext(Block<T> current, int wanted)
    {
        Block<T> next = current.Next ??= Rent(wanted);
        _current = next;
        _usedOfCurrent = 0;
        return next;
    }

    private void Trim(Block<T> first, long used)
    {
        _retained = _options.RetentionPolicy(_retained, used);
        Block<T> last = first;
        for (long kept = first.Items.Length; last.Next is { } next && kept < _retained; last = next)
        {
            kept += next.Items.Length;
        }

        Block<T>? dropped = last.Next;
        last.Next = null;
        for (; dropped is not null; dropped = dropped.Next) _allocator.Return(dropped.Items);
    }
}

internal sealed class Block<T>(T[] items)
{
    public T[] Items { get; } = items;

    public Block<T>? Next { get; set; }
}
