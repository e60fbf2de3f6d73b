namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>
/// How far the cycles are in something that grows for ever, as orders do: each cycle takes a bounded stretch, and the
/// next one goes on there. Lost with the process, which begins anew.
/// </summary>
/// <param name="start">Before the first of them.</param>
/// <param name="kind">What is found by it. Such a finding is gone when a whole pass hasn't seen it.</param>
public sealed class AuditPass<T>(T start, FindingKind kind)
{
    private AuditTurn<T>? current;

    /// <summary>What is found by it.</summary>
    public FindingKind Kind => kind;

    /// <summary>The stretch of a run: of a cycle where the last one ended, of any other from the start.</summary>
    public AuditTurn<T> Begin(AuditRun run) =>
        run.Requested ? new(run.Id, start) : current ??= new(run.Id, start);

    /// <summary>Everything has been looked at: the next cycle begins at the start.</summary>
    public void End(AuditTurn<T> turn)
    {
        if (ReferenceEquals(turn, current)) current = null;
    }
}

/// <summary>A pass from the start to the end, in one run or several.</summary>
/// <param name="firstRun">The run that began it.</param>
/// <param name="after">The last that was looked at.</param>
public sealed class AuditTurn<T>(long firstRun, T after)
{
    /// <summary>The run that began it.</summary>
    public long FirstRun => firstRun;

    /// <summary>The last that was looked at.</summary>
    public T After { get; set; } = after;

    /// <summary>By SKU: orders that are wrong, their units, and the units that moved.</summary>
    public Dictionary<string, (int Orders, long Ordered, long Moved)> Sums { get; } = new(StringComparer.Ordinal);
}
