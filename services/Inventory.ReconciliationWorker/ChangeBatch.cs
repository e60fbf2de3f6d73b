using NpgsqlTypes;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// Changes on their way to Redis. A SKU that changed often is written once: only its newest version counts.
/// </summary>
/// <param name="size">Most SKUs; bounds memory, whatever the size of a transaction.</param>
internal sealed class ChangeBatch(int size)
{
    private readonly Dictionary<string, long> versions = new(StringComparer.Ordinal);
    private readonly List<DateTimeOffset> commits = [];

    /// <summary>Whether a transaction's commit is still to come.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether it must be written before more is taken.</summary>
    public bool IsFull => versions.Count >= size || commits.Count >= size;

    /// <summary>Whether there is nothing to write and nothing to confirm.</summary>
    public bool IsEmpty => versions.Count == 0 && commits.Count == 0;

    /// <summary>The SKUs that changed, and the version that each has at least.</summary>
    public IReadOnlyDictionary<string, long> Versions => versions;

    /// <summary>When the transactions were committed that end in this batch, by PostgreSQL's clock.</summary>
    public IReadOnlyList<DateTimeOffset> Commits => commits;

    /// <summary>The end of the last of those transactions.</summary>
    public NpgsqlLogSequenceNumber End { get; private set; }

    /// <summary>A transaction begins.</summary>
    public void Begin() => IsOpen = true;

    /// <summary>One row of it.</summary>
    public void Add(string sku, long version) =>
        versions[sku] = Math.Max(version, versions.GetValueOrDefault(sku));

    /// <summary>It ends.</summary>
    public void Commit(NpgsqlLogSequenceNumber end, DateTimeOffset at)
    {
        IsOpen = false;
        End = end;
        commits.Add(at);
    }

    /// <summary>All of it was written.</summary>
    public void Clear()
    {
        versions.Clear();
        commits.Clear();
    }
}
