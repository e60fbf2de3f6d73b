namespace Inventory.ServiceDefaults.Overload;

/// <summary>The waiting requests of one priority, first come, first served. The owner does the locking.</summary>
/// <param name="rush">Longest wait while the queue was empty not longer ago than that.</param>
/// <param name="steady">Longest wait otherwise.</param>
/// <param name="time">The clock.</param>
internal sealed class WaitingLine(TimeSpan rush, TimeSpan steady, TimeProvider time)
{
    private readonly Queue<Place> places = new();
    private long began;

    internal int Count => places.Count;

    /// <summary>Adds a request at the end.</summary>
    /// <returns>Completes with true when there is a place, and with false when the request is shed.</returns>
    internal Task<bool> Join()
    {
        var now = time.GetTimestamp();
        if (places.Count == 0) began = now;
        var place = new Place(now);
        places.Enqueue(place);
        return place.Task;
    }

    internal void AdmitFirst() => places.Dequeue().SetResult(true);

    internal void ShedFirst() => places.Dequeue().SetResult(false);

    internal void ShedLate()
    {
        if (places.Count == 0) return;
        var now = time.GetTimestamp();
        var longest = time.GetElapsedTime(began, now) > rush ? steady : rush;
        while (places.TryPeek(out var first) && time.GetElapsedTime(first.Since, now) > longest) ShedFirst();
    }

    // Continuations run asynchronously, because the thread that completes a place holds the gate.
    private sealed class Place(long since)
        : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        internal long Since => since;
    }
}
