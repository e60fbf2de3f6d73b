using Inventory.Stock;

namespace Inventory.Materializer;

/// <summary>One reader's way through a partition's stream, from its getting the lock to its losing it.</summary>
/// <remarks>
/// Each pass begins with the event at the stored position, which trimming never removes. When it is not there any more,
/// Redis has lost data: then the stream that there is now is read from its beginning. Events of it that are stored
/// already change nothing.
/// </remarks>
/// <param name="partition">The partition.</param>
/// <param name="session">Its lock.</param>
/// <param name="stored">How far it is stored; null before its first event.</param>
/// <param name="fence">The number of its fence.</param>
/// <param name="stock">Reads and trims the stream.</param>
/// <param name="writer">Stores what was read.</param>
/// <param name="metrics">Hears of lag and trimming.</param>
/// <param name="options">Limits.</param>
/// <param name="time">Measures silence.</param>
/// <param name="reportLoss">Called with a position that is not in the stream any more.</param>
internal sealed class StreamReading(
    Partition partition,
    ReaderSession session,
    StoredPosition? stored,
    long fence,
    StockEngine stock,
    BatchWriter writer,
    MaterializerMetrics metrics,
    MaterializerOptions options,
    TimeProvider time,
    Action<StoredPosition> reportLoss)
{
    // All events up to the stored one are stored as well: they go when enough have come after them.
    private StoredMarks marks = new(options.KeepEvents, stored?.StreamId);
    private StoredPosition? stored = stored;
    private long fence = fence;
    private bool fromBeginning = stored is null;
    private string? trimTo;
    private long storedInStream;
    private long lastHeard = time.GetTimestamp();

    /// <summary>Stores what is next, at most one batch.</summary>
    /// <returns>Whether more may be waiting.</returns>
    public async Task<bool> PassAsync(CancellationToken cancellation)
    {
        var from = fromBeginning ? null : stored!.StreamId;
        var stretch = await stock.ReadStreamAsync(partition, from, options.BatchSize + 1);
        // Also while fenced: a rebuild begins when all that Redis has to tell is stored.
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
        // What was stored of the lost stream says nothing about this one.
        marks = new(options.KeepEvents, null);
        trimTo = null;
    }

    /// <returns>False when a rebuild has begun since these were read: what Redis has now is to be read.</returns>
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
            (stored, fence) = await session.ReadPositionAsync(partition.Index, cancellation);
            if (fence == before) throw;
            return false;
        }
    }

    private async Task StoreAsync(
        StreamStretch stretch, List<StreamRecord> records, CancellationToken cancellation)
    {
        var index = partition.Index;
        var batch = Batch.Read(index, stretch.Epoch, fence, records);
        var age = await stock.NowAsync() - StreamIds.TimeOf(records[0].Id);
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
        // More than a pass can bring, so that a long stream becomes shorter while it is being written to.
        var most = 1_000 + (2 * options.BatchSize);
        var removed = await stock.TrimStreamAsync(partition, trimTo, most);
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
