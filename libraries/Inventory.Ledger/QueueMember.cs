namespace Inventory.Ledger;

/// <summary>One who waits for a place to be written.</summary>
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

    /// <summary>Gives room to whoever comes first, and one place to each Idempotency-Key.</summary>
    /// <param name="members">A batch, in the order they came.</param>
    /// <param name="load">How many wait already.</param>
    /// <returns>Those whose place is to be written.</returns>
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

    /// <summary>The key has a place.</summary>
    public void MeetBefore(QueueEntry entry)
    {
        isKnown = true;
        result = entry.Intent.Fingerprint == intent.Fingerprint
            ? new(EnqueueOutcome.QueuedBefore, entry)
            : new(EnqueueOutcome.KeyReused, null);
    }

    /// <summary>The place is written.</summary>
    public void GotPlace(long place, DateTimeOffset queuedAt) => result = new(
        EnqueueOutcome.Queued,
        new(place, ticket, intent, QueueState.Waiting, null, null, queuedAt, TimeSpan.Zero, ahead));

    /// <summary>The transaction is committed.</summary>
    public void Complete()
    {
        // One key twice at the same time: the second learns what the first got.
        if (first is { result: { Entry: { } entry } }) MeetBefore(entry);
        else if (first is not null) result = first.result;
        answer.TrySetResult(result);
    }

    public void Fail(Exception reason) => answer.TrySetException(reason);
}
