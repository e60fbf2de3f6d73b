namespace Inventory.ReservationApi.Operations;

/// <summary>One difference between the stores, or within one of them.</summary>
public sealed record FindingView
{
    /// <summary>What it is, such as Reserved, Total, LostHold or Oversold.</summary>
    /// <example>Reserved</example>
    public required string Kind { get; init; }

    /// <summary>The SKU; absent when it belongs to none, or the SKU is unknown.</summary>
    /// <example>serum-50</example>
    public string? Sku { get; init; }

    /// <summary>The reservation or entry; absent when it is about the SKU as such.</summary>
    public string? Subject { get; init; }

    /// <summary>The expected state.</summary>
    /// <example>reserved 2, the sum of the holds</example>
    public required string Expected { get; init; }

    /// <summary>The actual state.</summary>
    /// <example>reserved 5</example>
    public required string Actual { get; init; }

    /// <summary>What it means and what explains it.</summary>
    public required string Cause { get; init; }

    /// <summary>What proves it.</summary>
    public required string Evidence { get; init; }

    /// <summary>What was done about it; absent when nothing was.</summary>
    public string? Repair { get; init; }

    /// <summary>When it was found, UTC; absent in the report of one run.</summary>
    public DateTime? FirstSeen { get; init; }

    /// <summary>When it was repaired, UTC; absent when it was not.</summary>
    public DateTime? RepairedAt { get; init; }
}

/// <summary>One audit and what it found.</summary>
public sealed record AuditRunView
{
    /// <summary>Its number.</summary>
    public required long Id { get; init; }

    /// <summary>waiting, running, completed or failed.</summary>
    /// <example>completed</example>
    public required string State { get; init; }

    /// <summary>Whether an operator asked for it; false for a regular cycle.</summary>
    public required bool Requested { get; init; }

    /// <summary>Whether it changed nothing.</summary>
    public required bool DryRun { get; init; }

    /// <summary>The SKU it was about; absent when it was about everything.</summary>
    public string? Sku { get; init; }

    /// <summary>When it was asked for, UTC.</summary>
    public required DateTime RequestedAt { get; init; }

    /// <summary>When it began, UTC; absent before that.</summary>
    public DateTime? StartedAt { get; init; }

    /// <summary>When it ended, UTC; absent before that.</summary>
    public DateTime? CompletedAt { get; init; }

    /// <summary>What it compares at the moment; absent when it doesn't run.</summary>
    public string? Phase { get; init; }

    /// <summary>SKUs compared.</summary>
    public required long Skus { get; init; }

    /// <summary>Holds compared.</summary>
    public required long Holds { get; init; }

    /// <summary>Pending reservations compared.</summary>
    public required long Reservations { get; init; }

    /// <summary>Findings, including those that exceed the report's limit.</summary>
    public required long Found { get; init; }

    /// <summary>Repairs.</summary>
    public required long Repaired { get; init; }

    /// <summary>Comparisons that could not be decided, because a change was under way.</summary>
    public required long Undecided { get; init; }

    /// <summary>
    /// Totals that plain SQL has changed without a movement. That is no fault; each gets a movement with the reason
    /// external, or would in a dry run.
    /// </summary>
    public required long Explained { get; init; }

    /// <summary>Why it failed; absent when it did not.</summary>
    public string? Error { get; init; }

    /// <summary>The first findings, at most 200; absent in an overview.</summary>
    public IReadOnlyList<FindingView>? Findings { get; init; }

    internal bool HasEnded => State is "completed" or "failed";
}
