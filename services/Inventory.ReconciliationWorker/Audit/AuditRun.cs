namespace Inventory.ReconciliationWorker.Audit;

/// <summary>One audit: over everything, or over one SKU.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Sku">The SKU; empty for everything.</param>
/// <param name="Requested">Whether an operator requested it.</param>
/// <param name="DryRun">Whether it only reports.</param>
/// <param name="Repairs">Whether it repairs.</param>
public sealed record AuditRun(long Id, string Sku, bool Requested, bool DryRun, bool Repairs)
{
    /// <summary>
    /// Maximum number of findings in a run's report. Further findings are only counted: an operator can't read more one
    /// by one.
    /// </summary>
    public const int MaxReported = 200;

    /// <summary>
    /// Maximum number of stored findings of one run. A store that has lost everything is one incident and not a million
    /// findings.
    /// </summary>
    public const int MaxRemembered = 5_000;

    private readonly List<Finding> findings = [];

    /// <summary>What is being compared.</summary>
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

    /// <summary>Differences that may still be delays; the next run compares them again.</summary>
    public long Undecided { get; set; }

    /// <summary>
    /// Totals that were changed without a movement, as plain SQL from an ERP does. That is no fault: each gets a
    /// movement that explains it, or would in a run that repairs.
    /// </summary>
    public long Explained { get; set; }

    /// <summary>SKUs that this run has rebuilt, or could not rebuild, and when.</summary>
    public Dictionary<string, (string Phase, Repaired? Repair, long At)> Rebuilt { get; } = new(StringComparer.Ordinal);

    /// <summary>When a wait for the materializer last timed out in this run.</summary>
    public long? BehindSince { get; set; }

    /// <summary>The first findings.</summary>
    public IReadOnlyList<Finding> Findings => findings;

    /// <summary>Whether the run covers everything.</summary>
    public bool IsWhole => Sku.Length == 0;

    /// <summary>Adds a finding to the report, unless it is there already.</summary>
    public void Add(Finding finding)
    {
        var key = (finding.Kind, finding.Sku, finding.Subject);
        if (findings.Exists(known => (known.Kind, known.Sku, known.Subject) == key)) return;
        Found++;
        if (findings.Count < MaxReported) findings.Add(finding);
    }
}
