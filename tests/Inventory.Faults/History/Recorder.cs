using System.Collections.Concurrent;

namespace Inventory.Faults.History;

/// <summary>Where all clients write down what they did. Any number of them at once.</summary>
public sealed class Recorder
{
    private readonly ConcurrentQueue<Operation> operations = new();
    private long last;

    /// <summary>The number of the next call, taken when it begins.</summary>
    public long Begin() => Interlocked.Increment(ref last);

    /// <summary>A call is over.</summary>
    public void Add(Operation operation) => operations.Enqueue(operation);

    /// <summary>Calls so far.</summary>
    public int Count => operations.Count;

    /// <summary>All calls so far, in the order of beginning.</summary>
    public IReadOnlyList<Operation> Read() => [.. operations.OrderBy(operation => operation.Number)];
}
