namespace Inventory.Faults.History;

/// <summary>One fault that the nemesis injected.</summary>
/// <param name="Kind">Which, such as <c>kill redis</c>.</param>
/// <param name="BegunMs">When it began.</param>
/// <param name="EndedMs">When its cause was gone: what is left is the product's recovery.</param>
public sealed record Fault(string Kind, long BegunMs, long EndedMs)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Clock.Show(BegunMs)} - {Clock.Show(EndedMs)}  {Kind}";
}

/// <summary>
/// Redis lost everything. What PostgreSQL had not stored by then may be gone: the one loss that docs/durability.md
/// admits.
/// </summary>
/// <param name="StoredMs">The time of the last event that was stored before.</param>
/// <param name="BegunMs">Redis was wiped at this time or later.</param>
/// <param name="EndedMs">And at this time or earlier.</param>
public sealed record Wipe(long StoredMs, long BegunMs, long EndedMs);

/// <summary>Everything that a verdict rests on: plain data, so that a test can make it up.</summary>
public sealed record Evidence
{
    /// <summary>What clients asked for and heard, in the order of beginning.</summary>
    public IReadOnlyList<Operation> Operations { get; init; } = [];

    /// <summary>What both stores say in the end.</summary>
    public Facts Facts { get; init; } = new();

    /// <summary>When Redis lost its data.</summary>
    public IReadOnlyList<Wipe> Wipes { get; init; } = [];

    /// <summary>What was done to the product.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>Whether a wipe may have taken along what this call did.</summary>
    public bool MayBeLost(Operation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        return Wipes.Any(wipe => operation.LastMs > wipe.StoredMs && operation.BegunMs <= wipe.EndedMs);
    }

    /// <summary>Whether Redis may have forgotten, between two calls, what it answered.</summary>
    public bool WipedBetween(Operation one, Operation other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        return Wipes.Any(wipe => wipe.EndedMs >= one.BegunMs && wipe.BegunMs <= other.EndedMs);
    }
}
