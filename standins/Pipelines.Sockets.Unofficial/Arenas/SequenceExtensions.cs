namespace Pipelines.Sockets.Unofficial.Arenas;

/// <summary>Makes one value out of another.</summary>
/// <typeparam name="T">What it takes.</typeparam>
/// <typeparam name="TResult">What it makes.</typeparam>
/// <param name="value">The value to read.</param>
/// <returns>The value made.</returns>
public delegate TResult Projection<T, TResult>(in T value);

/// <summary>Makes one value out of another and something the caller knows.</summary>
/// <typeparam name="T">What it takes.</typeparam>
/// <typeparam name="TState">What the caller adds.</typeparam>
/// <typeparam name="TResult">What it makes.</typeparam>
/// <param name="value">The value to read.</param>
/// <param name="state">What the caller added.</param>
/// <returns>The value made.</returns>
public delegate TResult Projection<T, TState, TResult>(in T value, in TState state);

/// <summary>Copies sequences while projecting each element.</summary>
public static class SequenceExtensions
{
    /// <summary>Projects all elements into an array.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <typeparam name="TResult">Array element type.</typeparam>
    /// <param name="source">The elements.</param>
    /// <param name="projection">Called once for each, in order.</param>
    /// <returns>A new array, or the shared empty one.</returns>
    public static TResult[] ToArray<T, TResult>(this in Sequence<T> source, Projection<T, TResult> projection)
    {
        if (source.IsEmpty) return [];
        var result = new TResult[source.Length];
        source.CopyTo(result, projection);
        return result;
    }

    /// <summary>Projects all elements into an array, with something the caller knows.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <typeparam name="TState">What the caller adds.</typeparam>
    /// <typeparam name="TResult">Array element type.</typeparam>
    /// <param name="source">The elements.</param>
    /// <param name="projection">Called once for each, in order.</param>
    /// <param name="state">Handed to every call.</param>
    /// <returns>A new array, or the shared empty one.</returns>
    public static TResult[] ToArray<T, TState, TResult>(
        this in Sequence<T> source, Projection<T, TState, TResult> projection, in TState state)
    {
        ArgumentNullException.ThrowIfNull(projection);
        if (source.IsEmpty) return [];
        var result = new TResult[source.Length];
        int written = 0;
        foreach (Span<T> span in source.Spans)
        {
            foreach (ref readonly T value in span) result[written++] = projection(in value, in state);
        }

        return result;
    }

    /// <summary>Projects all elements into memory the caller has.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <typeparam name="TResult">Destination element type.</typeparam>
    /// <param name="source">The elements.</param>
    /// <param name="destination">At least as long as the sequence.</param>
    /// <param name="projection">Called once for each, in order.</param>
    /// <exception cref="ArgumentException">The destination is too short; nothing has been written.</exception>
    public static void CopyTo<T, TResult>(
        this in Sequence<T> source, Span<TResult> destination, Projection<T, TResult> projection)
    {
        ArgumentNullException.ThrowIfNull(projection);
        if (destination.Length < source.Length)
        {
            throw new ArgumentException("The destination is shorter than the sequence.", nameof(destination));
        }

        int written = 0;
        foreach (Span<T> span in source.Spans)
        {
            foreach (ref readonly T value in span) destination[written++] = projection(in value);
        }
    }
}
