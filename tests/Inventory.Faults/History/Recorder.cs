using System.Collections.Concurrent;

namespace Inventory.Faults.History;

/// <summary>Records the calls of all clients. Thread-safe.</summary>
public sealed class Recorder
{
    private readonly ConcurrentQueue<Operation> operations = new();
    private long last;
    private long lastServedMs;

    /// <summary>The number of the next call, taken when it begins.</summary>
    public long Begin() => Interlocked.Increment(ref last);

    /// <summary>Records a call that has ended.</summary>
    public void Add(Operation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        operations.Enqueue(operation);
        if (operation.Act != Act.Reserve || operation.Heard == Heard.Unknown) return;
        InterlockedMax(operation.BegunMs);
    }

    /// <summary>When the latest reserve call with a decision (granted or refused) began.</summary>
    public long LastServedMs => Interlocked.Read(ref lastServedMs);

    private void InterlockedMax(long ms)
    {
        for (var known = LastServedMs; ms > known; known = LastServedMs)
        {
            if (Interlocked.CompareExchange(ref lastServedMs, ms, known) == known) return;
        }
    }

    /// <summary>Calls so far.</summary>
    public int Count => operations.Count;

    /// <summary>All calls so far, in the order in which they began.</summary>
    public IReadOnlyList<Operation> Read() => [.. operations.OrderBy(operation => operation.Number)];
}
