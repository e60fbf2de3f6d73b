namespace Inventory.Ledger;

/// <summary>A request that waits for its place in the queue to be written.</summary>
internal sealed class QueueMember(QueuedIntent intent, int capacity, int perShopper, string ticket)
{
    private readonly TaskCompletionSource<EnqueueAnswer> answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EnqueueAnswer result;
    private QueueMember? first;
    private bool isKnown;
    private int ahead;
    private Waiting waiting = new(0, null);

    public QueuedIntent Intent => intent;

    public string Ticket => ticket;

    public Task<EnqueueAnswer> Answer => answer.Task;

    /// <summary>
    /// Assigns places in order of arrival up to the capacity and to the bound of each shopper, one place for each
    /// Idempotency-Key.
    /// </summary>
    /// <param name="members">A batch in order of arrival.</param>
    /// <param name="load">The number of requests that already wait.</param>
    /// <returns>The members that get a new place.</returns>
    public static List<QueueMember> Place(List<QueueMember> members, int load)
    {
        var added = new List<QueueMember>();
        var keys = new Dictionary<string, QueueMember>(StringComparer.Ordinal);
        var shoppers = new Dictionary<string, Waiting>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            if (member.isKnown) continue;
            if (member.Intent.IdempotencyKey is { } key && !keys.TryAdd(key, member))
            {
                member.first = keys[key];
                continue;
            }

            if (member.Intent.Shopper is { } shopper)
            {
                member.first = member.Intent.IsClientsId
                    ? added.Find(other => other.Intent.IsSameReservation(member.Intent)
                        && other.Intent.Fingerprint == member.Intent.Fingerprint)
                    : null;
                if (member.first is not null) continue;
                var own = shoppers.GetValueOrDefault(shopper, member.waiting);
                if (own.Count >= member.PerShopper)
                {
                    member.result = new(EnqueueOutcome.ShopperWaits, null, own.First);
                    continue;
                }

                shoppers[shopper] = new(own.Count + 1, own.First ?? member.Ticket);
            }

            // A shopper's count includes requests that find the queue full: all later ones of the batch do so too.
            member.result = new(EnqueueOutcome.Full, null);
            member.ahead = load + added.Count;
            if (member.ahead < member.Capacity) added.Add(member);
        }

        return added;
    }

    private int Capacity => capacity;

    private int PerShopper => perShopper;

    /// <summary>Completes a member when its key already has a place.</summary>
    public void MeetBefore(QueueEntry entry)
    {
        isKnown = true;
        result = entry.Intent.Fingerprint == intent.Fingerprint
            ? new(EnqueueOutcome.QueuedBefore, entry)
            : new(EnqueueOutcome.KeyReused, null);
    }

    /// <summary>
    /// Tells a member what its shopper waits for. A repetition under the shopper's own reservation id gets its place
    /// again, as Redis would answer with the same reservation.
    /// </summary>
    /// <param name="entries">One or more waiting places of the shopper, in order.</param>
    public void MeetWaiting(List<QueueEntry> entries)
    {
        waiting = new(entries.Count, entries[0].Ticket);
        if (isKnown || !intent.IsClientsId) return;
        if (entries.Find(entry => entry.Intent.IsSameReservation(intent)) is not { } same) return;
        isKnown = true;
        result = new(EnqueueOutcome.QueuedBefore, same);
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

    /// <summary>How many requests of a shopper wait, and the ticket of the first of them.</summary>
    private readonly record struct Waiting(int Count, string? First);
}
