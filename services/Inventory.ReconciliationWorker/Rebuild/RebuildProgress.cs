using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuild;

/// <summary>The progress of a rebuild, for operators.</summary>
internal sealed class RebuildProgress
{
    /// <summary>Maximum number of unreadable holds that are named; an operator can't read more one by one.</summary>
    private const int MaxNamed = 20;

    private readonly List<string> corruptNames = [];
    private int totals, corrected, dropped, restored, unknown, units, corrupt;

    /// <summary>The current step, as text.</summary>
    public string Step { get; set; } = "";

    /// <summary>Number of processed SKUs.</summary>
    public int Totals => totals;

    /// <summary>Number of SKUs with a wrong count of reserved units.</summary>
    public int Corrected => corrected;

    /// <summary>Number of removed holds.</summary>
    public int Dropped => dropped;

    /// <summary>Number of restored holds.</summary>
    public int Restored => restored;

    /// <summary>Number of holds of SKUs that PostgreSQL doesn't know.</summary>
    public int Unknown => unknown;

    /// <summary>Number of unreadable holds that were removed.</summary>
    public int Corrupt => corrupt;

    /// <summary>The names of the first unreadable holds.</summary>
    public string CorruptNames => string.Join(", ", corruptNames) + (corrupt > MaxNamed ? " and others" : "");

    public void AddTotals(int count, int wrong)
    {
        Interlocked.Add(ref totals, count);
        Interlocked.Add(ref corrected, wrong);
    }

    public void AddDropped(int count) => Interlocked.Add(ref dropped, count);

    public void AddRestored(int count, int withoutSku)
    {
        Interlocked.Add(ref restored, count);
        Interlocked.Add(ref unknown, withoutSku);
    }

    public void AddCorrupt(IReadOnlyList<CorruptHold> found)
    {
        lock (corruptNames)
        {
            corrupt += found.Count;
            corruptNames.AddRange(found.Take(MaxNamed - corruptNames.Count).Select(one => one.ToString()));
        }
    }

    public void AddUnits(int count) => Interlocked.Add(ref units, count);
}
