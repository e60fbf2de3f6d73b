namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>One audit: over everything, or over one SKU.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Sku">The SKU; empty for everything.</param>
/// <param name="Requested">Whether somebody asked for it.</param>
/// <param name="DryRun">Whether it only says what it would do.</param>
/// <param name="Repairs">Whether it repairs.</param>
public sealed record AuditRun(long Id, string Sku, bool Requested, bool DryRun, bool Repairs)
{
    /// <summary>Findings that a run's report shows. More are counted; nobody reads them one by one.</summary>
    public const int MaxReported = 200;

    /// <summary>
    /// Findings of one run that are remembered. A store that has lost everything is one event and not a million.
    /// </summary>
    public const int MaxRemembered = 5_000;

    private readonly List<Finding> findings = [];

    /// <summary>What is compared at the moment.</summary>
    public string Phase { get; set; } = "";

    /// <summary>SKUs compared so far.</summary>
    public long Skus { get; set; }

    /// <summary>Holds compared so far.</summary>
    public long Holds { get; set; }

    /// <summary>Pending rows compared so far.</summary>
    public long Reservations { get; set; }

    /// <summary>Findings so far.</summary>
    public long Found { get; set; }

    /// <summary>Repairs so far.</summary>
    public long Repaired { get; set; }

    /// <summary>What couldn't be told from a difference of time: the next run looks again.</summary>
    public long Undecided { get; set; }

    /// <summary>
    /// Totals that were changed without a movement, as plain SQL of an ERP does. That is no fault; each gets a movement
    /// by which it can be explained, or would in a dry run.
    /// </summary>
    public long Explained { get; set; }

    /// <summary>Whether the materializer was waited for in vain.</summary>
    public bool IsBehind { get; set; }

    /// <summary>The first findings.</summary>
    public IReadOnlyList<Finding> Findings => findings;

    /// <summary>Whether everything is looked at.</summary>
    public bool IsWhole => Sku.Length == 0;

    /// <summary>Adds to the report, once.</summary>
    public void Add(Finding finding)
    {
        var key = (finding.Kind, finding.Sku, finding.Subject);
        if (findings.Exists(known => (known.Kind, known.Sku, known.Subject) == key)) return;
        Found++;
        if (findings.Count < MaxReported) findings.Add(finding);
    }
}
