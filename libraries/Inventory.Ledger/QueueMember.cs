namespace Inventory.Ledger;

/// <summary>A request that waits for its place in the queue to be written.</summary>
internal sealed class QueueMember(QueuedIntent intent, int capacity, string ticket)
{
    private readonly TaskCompletionSource<EnqueueAnswer> answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EnqueueAnswer result;
    private QueueMember? first;
    private bool isKnown;
    private int ahead;

    public QueuedIntent Intent => intent;

    public string Ticket => ticket;

    public Task<EnqueueAnswer> Answer => answer.Task;

    /// <summary>Assigns places in order of arrival up to the capacity, one place for each Idempotency-Key.</summary>
    /// <param name="members">A batch in order of arrival.</param>
    /// <param name="load">The number of requests that already wait.</param>
    /// <returns>The members that get a new place.</returns>
    public static List<QueueMember> Place(List<QueueMember> members, int load)
    {
        var added = new List<QueueMember>();
        var keys = new Dictionary<string, QueueMember>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            if (member.isKnown) continue;
            if (member.Intent.IdempotencyKey is { } key && !keys.TryAdd(key, member))
            {
                member.first = keys[key];
                continue;
            }

            member.result = new(EnqueueOutcome.Full, null);
            member.ahead = load + added.Count;
            if (member.ahead < member.Capacity) added.Add(member);
        }

        return added;
    }

    private int Capacity => capacity;

    /// <summary>Completes a member when its key already has a place.</summary>
    public void MeetBefore(QueueEntry entry)
    {
        isKnown = true;
        result = entry.Intent.Fingerprint == intent.Fingerprint
            ? new(EnqueueOutcome.QueuedBefore, entry)
            : new(EnqueueOutcome.KeyReused, null);
    }

    /// <summary>Records the written place.</summary>
    public void GotPlace(long place, DateTimeOffset queuedAt) => result = new(
        EnqueueOutcome.Queued,
        new(place, ticket, intent, QueueState.Waiting, null, null, queuedAt, TimeSpan.Zero, ahead));

    /// <summary>Completes the caller after the commit.</summary>
    public void Complete()
    {
        // Of two concurrent requests with one key, the second gets the answer of the first.
        if (first is { result: { Entry: { } entry } }) MeetBefore(entry);
        else if (first is not null) result = first.result;
        answer.TrySetResult(result);
    }

    public void Fail(Exception reason) => answer.TrySetException(reason);
}
