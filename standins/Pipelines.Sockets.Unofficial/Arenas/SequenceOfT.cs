namespace Pipelines.Sockets.Unofficial.Arenas;

/// <summary>Elements of an <see cref="Arena{T}"/>, in one or more segments; valid until the arena is reset.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly struct Sequence<T>
{
    private readonly Block<T>? _block;
    private readonly int _offset;
    private readonly int _length;

    internal Sequence(Block<T>? block, int offset, int length)
    {
        _block = block;
        _offset = offset;
        _length = length;
    }

    /// <summary>Number of elements.</summary>
    public long Length => _length;

    /// <summary>Whether there are no elements.</summary>
    public bool IsEmpty => _length == 0;

    /// <summary>Whether <see cref="FirstSpan"/> holds all elements.</summary>
    public bool IsSingleSegment => _block is null || _length <= _block.Items.Length - _offset;

    /// <summary>The elements of the first segment.</summary>
    public Span<T> FirstSpan =>
        _block is null ? default : _block.Items.AsSpan(_offset, Math.Min(_length, _block.Items.Length - _offset));

    /// <summary>The segments, in order.</summary>
    public SpanEnumerable Spans => new(this);

    /// <summary>An element.</summary>
    /// <param name="index">Its place, from 0.</param>
    /// <returns>The element itself, not a copy.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such place.</exception>
    public ref T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_length, nameof(index));
            Block<T> block = _block!;
            // Unsigned, because an offset near the end and an index near int.MaxValue don't fit together.
            uint place = (uint)_offset + (uint)index;
            while (place >= (uint)block.Items.Length)
            {
                place -= (uint)block.Items.Length;
                block = block.Next!;
            }

            return ref block.Items[place];
        }
    }

    /// <summary>Forgets the element type.</summary>
    /// <returns>The same elements.</returns>
    public Sequence Untyped() => new(_block, _offset, _length);

    /// <summary>Walks over the elements.</summary>
    /// <returns>An enumerator before the first element.</returns>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Walks over elements by reference.</summary>
    public ref struct Enumerator
    {
        private SpanEnumerator _spans;
        private Span<T> _span;
        private int _index;

        internal Enumerator(Sequence<T> sequence)
        {
            _spans = new SpanEnumerator(sequence);
            _span = default;
            _index = -1;
        }

        /// <summary>The element that the last move reached.</summary>
        public readonly ref T Current => ref _span[_index];

        /// <summary>Goes to the next element.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext()
        {
            if (++_index < _span.Length) return true;
            if (!_spans.MoveNext())
            {
                _index = _span.Length;
                return false;
            }

            _span = _spans.Current;
            _index = 0;
            return true;
        }

        /// <summary>Goes to the next element and returns it.</summary>
        /// <returns>The element itself, not a copy.</returns>
        /// <exception cref="InvalidOperationException">There is none.</exception>
        public ref T GetNext()
        {
            if (!MoveNext()) throw new InvalidOperationException("The sequence has no further element.");
            return ref Current;
        }
    }

    /// <summary>The segments of a sequence.</summary>
    public readonly struct SpanEnumerable
    {
        private readonly Sequence<T> _sequence;

        internal SpanEnumerable(Sequence<T> sequence) => _sequence = sequence;

        /// <summary>Walks over the segments.</summary>
        /// <returns>An enumerator before the first segment.</returns>
        public SpanEnumerator GetEnumerator() => new(_sequence);
    }

    /// <summary>Walks over segments.</summary>
    public struct SpanEnumerator
    {
        private Block<T>? _next;
        private int _nextOffset;
        private int _remaining;
        private T[]? _items;
        private int _offset;
        private int _count;

        internal SpanEnumerator(Sequence<T> sequence)
        {
            _next = sequence._block;
            _nextOffset = sequence._offset;
            _remaining = sequence._length;
        }

        /// <summary>The segment that the last move reached.</summary>
        public readonly Span<T> Current => _items.AsSpan(_offset, _count);

        /// <summary>Goes to the next segment.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext()
        {
            if (_remaining == 0) return false;
            _items = _next!.Items;
            _offset = _nextOffset;
            _count = Math.Min(_remaining, _items.Length - _offset);
            _remaining -= _count;
            _next = _next.Next;
            _nextOffset = 0;
            return true;
        }
    }
}
