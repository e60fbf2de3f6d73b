using NpgsqlTypes;

namespace Inventory.ReconciliationWorker;

/// <summary>
/// A batch of changes to be written to Redis. A SKU that changed often is written once, because only its newest version
/// counts.
/// </summary>
/// <param name="size">Maximum number of SKUs; limits memory, whatever the size of a transaction.</param>
internal sealed class ChangeBatch(int size)
{
    private readonly Dictionary<string, long> versions = new(StringComparer.Ordinal);
    private readonly List<DateTimeOffset> commits = [];

    /// <summary>Whether a transaction's commit is still to come.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether the batch must be written before more changes are added.</summary>
    public bool IsFull => versions.Count >= size || commits.Count >= size;

    /// <summary>Whether there is nothing to write or confirm.</summary>
    public bool IsEmpty => versions.Count == 0 && commits.Count == 0;

    /// <summary>The changed SKUs, with the minimum version of each.</summary>
    public IReadOnlyDictionary<string, long> Versions => versions;

    /// <summary>The commit times of the transactions that end in this batch, by PostgreSQL's clock.</summary>
    public IReadOnlyList<DateTimeOffset> Commits => commits;

    /// <summary>The end of the last of those transactions.</summary>
    public NpgsqlLogSequenceNumber End { get; private set; }

    /// <summary>Begins a transaction.</summary>
    public void Begin() => IsOpen = true;

    /// <summary>Adds one row of the transaction.</summary>
    public void Add(string sku, long version) =>
        versions[sku] = Math.Max(version, versions.GetValueOrDefault(sku));

    /// <summary>Ends the transaction.</summary>
    public void Commit(NpgsqlLogSequenceNumber end, DateTimeOffset at)
    {
        IsOpen = false;
        End = end;
        commits.Add(at);
    }

    /// <summary>Clears the batch after it was written.</summary>
    public void Clear()
    {
        versions.Clear();
        commits.Clear();
    }
}
