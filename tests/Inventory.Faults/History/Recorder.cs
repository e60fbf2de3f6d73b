using System.Collections.Concurrent;

namespace Inventory.Faults.History;

/// <summary>Where all clients write down what they did. Any number of them at once.</summary>
public sealed class Recorder
{
    private readonly ConcurrentQueue<Operation> operations = new();
    private long last;
    private long lastServedMs;

    /// <summary>The number of the next call, taken when it begins.</summary>
    public long Begin() => Interlocked.Increment(ref last);

    /// <summary>A call is over.</summary>
    public void Add(Operation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        operations.Enqueue(operation);
        if (operation.Act != Act.Reserve || operation.Heard == Heard.Unknown) return;
        InterlockedMax(operation.BegunMs);
    }

    /// <summary>When the latest call began that was granted a hold, or refused one: somebody is served.</summary>
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

    /// <summary>All calls so far, in the order of beginning.</summary>
    public IReadOnlyList<Operation> Read() => [.. operations.OrderBy(operation => operation.Number)];
}
