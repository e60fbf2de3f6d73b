using System.Collections;

namespace Pipelines.Sockets.Unofficial;

/// <summary>Looks into multicast delegates without allocating.</summary>
public static class Delegates
{
    /// <summary>Whether a delegate calls one target only.</summary>
    /// <param name="handler">The delegate.</param>
    /// <returns>True when it has a single target.</returns>
    public static bool IsSingle(MulticastDelegate handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return handler.HasSingleTarget;
    }

    /// <summary>The targets of a delegate, in the order of their subscription.</summary>
    /// <typeparam name="T">Delegate type.</typeparam>
    /// <param name="handler">The delegate; null has no targets.</param>
    /// <returns>Something to enumerate.</returns>
    public static DelegateEnumerable<T> AsEnumerable<T>(T? handler)
        where T : MulticastDelegate => new(handler);

    /// <summary>The targets of a delegate.</summary>
    /// <typeparam name="T">Delegate type.</typeparam>
    public readonly struct DelegateEnumerable<T>
        where T : MulticastDelegate
    {
        private readonly T? _handler;

        internal DelegateEnumerable(T? handler) => _handler = handler;

        /// <summary>Walks over the targets.</summary>
        /// <returns>An enumerator before the first target.</returns>
        public DelegateEnumerator<T> GetEnumerator() => new(_handler);
    }

    /// <summary>Walks over the targets of a delegate.</summary>
    /// <typeparam name="T">Delegate type.</typeparam>
    /// <remarks>A loop over a pattern calls Dispose when there is one, and StackExchange.Redis' loops do.</remarks>
    public struct DelegateEnumerator<T> : IEnumerator<T>
        where T : MulticastDelegate
    {
        private Delegate.InvocationListEnumerator<T> _targets;

        internal DelegateEnumerator(T? handler) => _targets = Delegate.EnumerateInvocationList(handler);

        /// <summary>A delegate that calls just the target that the last move reached.</summary>
        public readonly T Current => _targets.Current;

        readonly object IEnumerator.Current => Current;

        /// <summary>Goes to the next target.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext() => _targets.MoveNext();

        readonly void IEnumerator.Reset() => throw new NotSupportedException();

        readonly void IDisposable.Dispose()
        {
        }
    }
}
