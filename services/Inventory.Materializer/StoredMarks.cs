namespace Inventory.Materializer;

/// <summary>
/// Remembers positions in a stream, to find the position before which events may be removed because enough stored
/// events come after it.
/// </summary>
/// <remarks>
/// Invariant: only ids of stored events are added, so no event is removed before it is stored. The marks are kept in
/// memory: after a takeover nothing is removed until as many events as are to be kept have been stored.
/// </remarks>
internal sealed class StoredMarks
{
    // Redis removes whole nodes of some hundred events, so a smaller distance would gain nothing.
    private const int Distance = 100;

    private readonly Queue<(long Count, string Id)> marks = new();
    private readonly int keep;
    private long count;
    private long marked;

    /// <param name="keep">The number of stored events to keep, 0 or more.</param>
    /// <param name="stored">The last stored event; null for none.</param>
    public StoredMarks(int keep, string? stored)
    {
        this.keep = keep;
        if (stored is not null) marks.Enqueue((0, stored));
    }

    /// <summary>Records that events up to and including an id are stored.</summary>
    /// <param name="id">The id.</param>
    /// <param name="events">The number of events stored since the previous call.</param>
    public void Stored(string id, int events)
    {
        count += events;
        if (count - marked < Distance) return;
        marks.Enqueue((count, id));
        marked = count;
    }

    /// <summary>The latest position that enough stored events follow; null if there is no new one.</summary>
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
