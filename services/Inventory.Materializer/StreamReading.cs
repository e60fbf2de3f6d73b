using Inventory.Stock;
using Inventory.Storage;

namespace Inventory.Materializer;

/// <summary>Reads a partition's stream from the moment the lock is taken until it is lost.</summary>
/// <remarks>
/// Each pass begins with the event at the stored position, which is never trimmed. If it is missing, Redis has lost
/// data: then the current stream is read from its beginning. Events of it that are already stored change nothing.
/// </remarks>
/// <param name="partition">The partition.</param>
/// <param name="session">The session that holds its lock.</param>
/// <param name="stored">The stored position; null before its first event.</param>
/// <param name="fence">Its epoch in PostgreSQL.</param>
/// <param name="events">Reads and trims the stream.</param>
/// <param name="writer">Stores the events.</param>
/// <param name="metrics">Records lag and trimming.</param>
/// <param name="options">Limits.</param>
/// <param name="time">Measures idle time.</param>
/// <param name="reportLoss">Called with a stored position that is no longer in the stream.</param>
internal sealed class StreamReading(
    Partition partition,
    AdvisoryLease session,
    StoredPosition? stored,
    long fence,
    EventStream events,
    BatchWriter writer,
    MaterializerMetrics metrics,
    MaterializerOptions options,
    TimeProvider time,
    Action<StoredPosition> reportLoss)
{
    // All events before the stored position are stored too, and are removed when enough have come after them.
    private StoredMarks marks = new(options.KeepEvents, stored?.StreamId);
    private StoredPosition? stored = stored;
    private long fence = fence;
    private bool fromBeginning = stored is null;
    private string? trimTo;
    private long storedInStream;
    private long lastHeard = time.GetTimestamp();

    /// <summary>Stores the next events, at most one batch.</summary>
    /// <returns>Whether there may be more events.</returns>
    public async Task<bool> PassAsync(CancellationToken cancellation)
    {
        var from = fromBeginning ? null : stored!.StreamId;
        var stretch = await events.ReadStreamAsync(partition, from, options.BatchSize + 1);
        // Events are read also while the partition is fenced, because a rebuild waits until all of them are stored.
        var records = stretch.Records;
        if (from is not null)
        {
            if (records.Count == 0 || records[0].Id != from)
            {
                reportLoss(stored!);
                BeginAnew();
                return true;
            }

            records = [.. records.Skip(1)];
        }

        if (records.Count == 0)
        {
            storedInStream = stretch.Length;
            metrics.Behind(partition.Index, 0, TimeSpan.Zero);
            return await RestAsync(cancellation);
        }

        if (!await TryStoreAsync(stretch, [.. records.Take(options.BatchSize)], cancellation)) return true;
        await TrimAsync();
        return records.Count >= options.BatchSize;
    }

    private void BeginAnew()
    {
        fromBeginning = true;
        storedInStream = 0;
        // The marks of the lost stream don't apply to this one.
        marks = new(options.KeepEvents, null);
        trimTo = null;
    }

    /// <returns>
    /// False when a rebuild has begun since the events were read; the stream must then be read again.
    /// </returns>
    private async Task<bool> TryStoreAsync(
        StreamStretch stretch, List<StreamRecord> records, CancellationToken cancellation)
    {
        var before = fence;
        try
        {
            await StoreAsync(stretch, records, cancellation);
            return true;
        }
        catch (PositionMovedException)
        {
            (stored, fence) = await StoredPosition.ReadAsync(session.Connection, partition.Index, cancellation);
            // A rebuild has forgotten a position that no script can have given.
            fromBeginning |= stored is null;
            if (fence == before && stored is not null) throw;
            return false;
        }
    }

    private async Task StoreAsync(
        StreamStretch stretch, List<StreamRecord> records, CancellationToken cancellation)
    {
        var index = partition.Index;
        var batch = Batch.Read(index, stretch.Epoch, fence, records);
        var age = await events.NowAsync() - StreamIds.TimeOf(records[0].Id);
        metrics.Behind(index, Math.Max(records.Count, stretch.Length - storedInStream), age);
        stored = await writer.StoreAsync(session.Connection, batch, stored, cancellation);
        fromBeginning = false;
        lastHeard = time.GetTimestamp();
        storedInStream += records.Count;
        marks.Stored(stored.StreamId, records.Count);
        if (records.Count >= options.BatchSize) return;
        storedInStream = stretch.Length;
        metrics.Behind(index, 0, TimeSpan.Zero);
    }

    private async Task TrimAsync()
    {
        trimTo = marks.Take() ?? trimTo;
        if (trimTo is null) return;
        // More than a pass can add, so that a long stream becomes shorter while new events arrive.
        var most = 1_000 + (2 * options.BatchSize);
        var removed = await events.TrimStreamAsync(partition, trimTo, most);
        storedInStream -= removed;
        if (removed == 0) trimTo = null;
        else metrics.Trimmed(removed);
    }

    private async Task<bool> RestAsync(CancellationToken cancellation)
    {
        if (time.GetElapsedTime(lastHeard) < options.ReaderLease / 4) return false;
        await session.KeepAsync(cancellation);
        lastHeard = time.GetTimestamp();
        return false;
    }
}
