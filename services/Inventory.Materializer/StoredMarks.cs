namespace Inventory.Materializer;

/// <summary>
/// Places in a stream behind which enough stored events lie that everything before them may be removed.
/// </summary>
/// <remarks>
/// Invariant: only ids that are stored ever enter, so nothing that isn't stored is ever removed. Kept in memory: after
/// a takeover nothing is removed until as many events as are to be kept have been stored again.
/// </remarks>
internal sealed class StoredMarks
{
    // Redis removes whole nodes of some hundred events, so that finer marks would gain nothing.
    private const int Distance = 100;

    private readonly Queue<(long Count, string Id)> marks = new();
    private readonly int keep;
    private long count;
    private long marked;

    /// <param name="keep">Stored events that stay, 0 or more.</param>
    /// <param name="stored">The last event that is stored already; null when none is.</param>
    public StoredMarks(int keep, string? stored)
    {
        this.keep = keep;
        if (stored is not null) marks.Enqueue((0, stored));
    }

    /// <summary>Events up to and including this one are stored.</summary>
    /// <param name="id">The last of them.</param>
    /// <param name="events">How many have been stored since the call before.</param>
    public void Stored(string id, int events)
    {
        count += events;
        if (count - marked < Distance) return;
        marks.Enqueue((count, id));
        marked = count;
    }

    /// <summary>The latest place behind which enough events lie, where there is a new one.</summary>
    public string? Take()
    {
        string? latest = null;
        while (marks.TryPeek(out var mark) && mark.Count + keep <= count)
        {
            latest = mark.Id;
            marks.Dequeue();
        }

        return latest;
    }
}
