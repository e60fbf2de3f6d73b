namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>How far a rebuild has come, for people who wait for it.</summary>
internal sealed class RebuildProgress
{
    private int totals, corrected, dropped, restored, unknown, units;

    /// <summary>What is being done, in words.</summary>
    public string Step { get; set; } = "";

    /// <summary>SKUs that were looked at.</summary>
    public int Totals => totals;

    /// <summary>SKUs whose count of reserved units was wrong.</summary>
    public int Corrected => corrected;

    /// <summary>Holds that were removed.</summary>
    public int Dropped => dropped;

    /// <summary>Holds that were brought back.</summary>
    public int Restored => restored;

    /// <summary>Holds of SKUs that PostgreSQL doesn't sell.</summary>
    public int Unknown => unknown;

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

    public void AddUnits(int count) => Interlocked.Add(ref units, count);
}
