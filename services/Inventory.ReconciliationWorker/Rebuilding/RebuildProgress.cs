using Inventory.Stock;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>How far a rebuild has come, for people who wait for it.</summary>
internal sealed class RebuildProgress
{
    /// <summary>Unreadable holds that are named. More are one event, and nobody reads them one by one.</summary>
    private const int MaxNamed = 20;

    private readonly List<string> spoiltNames = [];
    private int totals, corrected, dropped, restored, unknown, keptOut, units, spoilt;

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

    /// <summary>Holds that can't come back because of what stands in their place; their units are reserved.</summary>
    public int KeptOut => keptOut;

    /// <summary>Holds that could not be read, and were removed.</summary>
    public int Spoilt => spoilt;

    /// <summary>The first of these.</summary>
    public string SpoiltNames => string.Join(", ", spoiltNames) + (spoilt > MaxNamed ? " and others" : "");

    public void AddTotals(int count, int wrong)
    {
        Interlocked.Add(ref totals, count);
        Interlocked.Add(ref corrected, wrong);
    }

    public void AddDropped(int count) => Interlocked.Add(ref dropped, count);

    public void AddRestored(int count, int withoutSku, int withoutPlace)
    {
        Interlocked.Add(ref restored, count);
        Interlocked.Add(ref unknown, withoutSku);
        Interlocked.Add(ref keptOut, withoutPlace);
    }

    public void AddSpoilt(IReadOnlyList<SpoiltHold> found)
    {
        lock (spoiltNames)
        {
            spoilt += found.Count;
            spoiltNames.AddRange(found.Take(MaxNamed - spoiltNames.Count).Select(one => one.ToString()));
        }
    }

    public void AddUnits(int count) => Interlocked.Add(ref units, count);
}
