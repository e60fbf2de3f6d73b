namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// A pass over data that grows without limit, such as orders. Each cycle covers a limited part of it, and the next one
/// continues there. The position is kept in memory; after a restart the pass begins again.
/// </summary>
/// <param name="start">The position before the first item.</param>
/// <param name="kind">The kind of finding. Such a finding is closed when a complete pass did not find it.</param>
public sealed class AuditPass<T>(T start, FindingKind kind)
{
    private AuditRound<T>? current;

    /// <summary>The kind of finding.</summary>
    public FindingKind Kind => kind;

    /// <summary>
    /// Returns the part for a run. A cycle continues where the last cycle ended; a requested run begins at the start.
    /// </summary>
    public AuditRound<T> Begin(AuditRun run) =>
        run.Requested ? new(run.Id, start) : current ??= new(run.Id, start);

    /// <summary>Ends a complete pass: the next cycle begins at the start.</summary>
    public void End(AuditRound<T> round)
    {
        if (ReferenceEquals(round, current)) current = null;
    }
}

/// <summary>A pass from the start to the end, over one or several runs.</summary>
/// <param name="firstRun">The run that began the pass.</param>
/// <param name="after">The last item that was compared.</param>
public sealed class AuditRound<T>(long firstRun, T after)
{
    /// <summary>The run that began the pass.</summary>
    public long FirstRun => firstRun;

    /// <summary>The last item that was compared.</summary>
    public T After { get; set; } = after;

    /// <summary>By SKU: the number of wrong orders, their units, and the units of their movements.</summary>
    public Dictionary<string, (int Orders, long Ordered, long Moved)> Sums { get; } = new(StringComparer.Ordinal);
}
