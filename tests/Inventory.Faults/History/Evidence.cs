namespace Inventory.Faults.History;

/// <summary>One fault that the nemesis injected.</summary>
/// <param name="Kind">The kind, such as <c>kill redis</c>.</param>
/// <param name="BegunMs">When it began.</param>
/// <param name="EndedMs">When its cause ended; the product's recovery comes after that.</param>
public sealed record Fault(string Kind, long BegunMs, long EndedMs)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Clock.Show(BegunMs)} - {Clock.Show(EndedMs)}  {Kind}";
}

/// <summary>
/// A loss of all data in Redis. Events that PostgreSQL had not stored by then may be lost: the only loss that
/// docs/durability.md allows.
/// </summary>
/// <param name="StoredMs">Events up to this time were stored before the wipe.</param>
/// <param name="BegunMs">Earliest time of the wipe.</param>
/// <param name="EndedMs">Latest time of the wipe.</param>
public sealed record Wipe(long StoredMs, long BegunMs, long EndedMs);

/// <summary>All input of the checker, as plain data, so that a test can construct it.</summary>
public sealed record Evidence
{
    /// <summary>The clients' calls and their answers, in the order in which the calls began.</summary>
    public IReadOnlyList<Operation> Operations { get; init; } = [];

    /// <summary>The final state of both stores.</summary>
    public Facts Facts { get; init; } = new();

    /// <summary>When Redis lost its data.</summary>
    public IReadOnlyList<Wipe> Wipes { get; init; } = [];

    /// <summary>The injected faults.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>Whether a wipe may have lost the effect of this call.</summary>
    public bool MayBeLost(Operation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        return Wipes.Any(wipe => operation.LastMs > wipe.StoredMs && operation.BegunMs <= wipe.EndedMs);
    }

    /// <summary>Whether a wipe between two calls may have lost the stored answer.</summary>
    public bool WipedBetween(Operation one, Operation other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        return Wipes.Any(wipe => wipe.EndedMs >= one.BegunMs && wipe.BegunMs <= other.EndedMs);
    }
}
