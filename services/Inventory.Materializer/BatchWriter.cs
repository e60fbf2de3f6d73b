using System.Diagnostics;
using Inventory.History;
using Inventory.Stock;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Materializer;

/// <summary>
/// Another session has advanced the position because this reader lost its lock without noticing, or a rebuild has begun
/// since the events were read.
/// </summary>
internal sealed class PositionMovedException(int partition)
    : Exception($"Another reader has stored events of partition {partition}.");

/// <summary>
/// Stores batches of one stream, each in one transaction with its position. Events take effect exactly once and in
/// order, because the position only advances from the value that the reader started with.
/// </summary>
/// <remarks>
/// A rebuild raises the partition's epoch before it reads what is stored, and waits for batches that have begun. An
/// event that was read under the old epoch is stored by then, or never: Redis may have lost it, and the rebuild
/// restores the holds from PostgreSQL. A restored hold may then end again in another way.
/// </remarks>
public sealed partial class BatchWriter(MaterializerMetrics metrics, ILogger<BatchWriter> log)
{
    /// <summary>The name of the activity source.</summary>
    public const string ActivitySourceName = "Inventory.Materializer";

    /// <summary>Maximum number of links of one activity: OpenTelemetry's default limit.</summary>
    private const int MaxLinks = 128;

    /// <summary>FOR SHARE makes a rebuild, which raises the epoch, wait for this transaction.</summary>
    private const string UnderFence =
        "WITH fence AS MATERIALIZED (SELECT epoch FROM fences WHERE partition = $1 FOR SHARE) ";

    private static readonly ActivitySource Activities = new(ActivitySourceName);

    /// <summary>
    /// Stores a batch. When it fails, halves of it are stored, until the events that can't be stored are found; these
    /// become dead letters.
    /// </summary>
    /// <returns>The position after the batch.</returns>
    /// <exception cref="PositionMovedException">
    /// The stored position isn't <paramref name="stored"/>, or the epoch isn't the batch's.
    /// </exception>
    internal async Task<StoredPosition> StoreAsync(
        NpgsqlConnection connection, Batch batch, StoredPosition? stored, CancellationToken cancellation)
    {
        try
        {
            return await WriteAsync(connection, batch, stored, cancellation);
        }
        catch (StoreRejectedException e) when (Poison.IsIn(e))
        {
            if (batch.Events.Count > 1)
            {
                var half = batch.Events.Count / 2;
                stored = await StoreAsync(
                    connection, batch with { Events = batch.Events[..half] }, stored, cancellation);
                return await StoreAsync(
                    connection, batch with { Events = batch.Events[half..] }, stored, cancellation);
            }

            var refused = batch.Events[0] with { Event = null, Error = e.Message };
            return await WriteAsync(connection, batch with { Events = [refused] }, stored, cancellation);
        }
    }

    private async Task<StoredPosition> WriteAsync(
        NpgsqlConnection connection, Batch batch, StoredPosition? stored, CancellationToken cancellation)
    {
        using var activity = StartActivity(batch);
        var next = new StoredPosition(batch.Events[^1].Record.Id, batch.Epoch);
        var (applied, dead) = await connection.InTransactionAsync(
            async () =>
            {
                // The position comes first: a reader that was suspended and lost its lock, or that has an outdated
                // epoch, fails here.
                await MoveAsync(connection, batch, stored, next, cancellation);
                return await ApplyAsync(connection, batch, cancellation);
            },
            cancellation);
        metrics.Stored(batch.Events.Count, dead.Count, applied.Missing);
        foreach (var letter in dead) PutAside(letter.Record.Id, batch.Partition, letter.Error);
        if (applied.FirstMissing is var (reservation, sequence))
        {
            EventsMissing(applied.Missing, batch.Partition, sequence, reservation);
        }

        return next;
    }

    private static async Task<(Applied Applied, List<Refused> Dead)> ApplyAsync(
        NpgsqlConnection connection, Batch batch, CancellationToken cancellation)
    {
        var readable = batch.Events.FindAll(item => item.Event is not null)
            .ConvertAll(item => new Readable(item.Record, item.Event!));
        var applied = await EventRows.ApplyAsync(connection, batch.Partition, readable, cancellation);
        List<Refused> dead =
        [
            .. batch.Events.Where(item => item.Event is null).Select(item => new Refused(item.Record, item.Error!)),
            .. applied.Refused,
        ];
        await DeadLetterRows.AddAsync(connection, batch.Partition, dead, cancellation);
        return (applied, dead);
    }

    private static async Task MoveAsync(
        NpgsqlConnection connection,
        Batch batch,
        StoredPosition? from,
        StoredPosition to,
        CancellationToken cancellation)
    {
        var sql = UnderFence + (from is null
                ? """
                  INSERT INTO stream_positions (partition, stream_id, epoch)
                  SELECT $1, $2, $3 WHERE coalesce((SELECT epoch FROM fence), 0) = $4
                  ON CONFLICT DO NOTHING
                  """
                : """
                  UPDATE stream_positions SET stream_id = $2, epoch = $3, updated_at = now()
                  WHERE partition = $1 AND coalesce((SELECT epoch FROM fence), 0) = $4
                    AND stream_id = $5 AND epoch IS NOT DISTINCT FROM $6
                  """);
        object?[] values = [batch.Partition, to.StreamId, to.Epoch, batch.Fence];
        if (from is not null) values = [.. values, from.StreamId, from.Epoch];
        if (await connection.ExecuteAsync(sql, cancellation, values) != 1)
        {
            throw new PositionMovedException(batch.Partition);
        }
    }

    /// <summary>
    /// A batch has events of many requests, so its activity links their traces, up to <see cref="MaxLinks"/>.
    /// </summary>
    private static Activity? StartActivity(Batch batch)
    {
        if (!Activities.HasListeners()) return null;
        var links = batch.Events
            .Select(item => item.Event?.TraceParent)
            .Distinct()
            .Select(trace =>
                ActivityContext.TryParse(trace, null, isRemote: true, out var context) ? context : default)
            .Where(context => context != default)
            .Take(MaxLinks)
            .Select(context => new ActivityLink(context));
        var activity = Activities.StartActivity(ActivityKind.Consumer, links: links, name: "materialize");
        activity?.SetTag("inventory.partition", batch.Partition);
        activity?.SetTag("inventory.events", batch.Events.Count);
        return activity;
    }

    [LoggerMessage(1, LogLevel.Error, "Event {Id} of partition {Partition} became a dead letter: {Error}")]
    private partial void PutAside(string id, int partition, string error);

    [LoggerMessage(
        2, LogLevel.Error,
        "{Missing} events are missing in partition {Partition}, the first being number {Sequence} of {Reservation}.")]
    private partial void EventsMissing(int missing, int partition, int sequence, Guid reservation);
}

/// <summary>Consecutive events of one partition's stream.</summary>
/// <param name="Partition">Its index.</param>
/// <param name="Epoch">The epoch of Redis' data; null when they were read while the partition was fenced.</param>
/// <param name="Fence">The partition's epoch in PostgreSQL before the events were read.</param>
/// <param name="Events">The events in order, one or more.</param>
internal sealed record Batch(int Partition, string? Epoch, long Fence, List<BatchItem> Events)
{
    public static Batch Read(int partition, string? epoch, long fence, IEnumerable<StreamRecord> records) =>
        new(partition, epoch, fence, [.. records.Select(BatchItem.Read)]);
}

/// <summary>An entry of the stream, with its parsed event or the error.</summary>
/// <param name="Record">The entry as it is in the stream.</param>
/// <param name="Event">Null when there is an error.</param>
/// <param name="Error">Null when there is an event.</param>
internal sealed record BatchItem(StreamRecord Record, StockEvent? Event, string? Error)
{
    public static BatchItem Read(StreamRecord record)
    {
        try
        {
            return new(record, record.Parse(), null);
        }
        catch (FormatException e)
        {
            return new(record, null, e.Message);
        }
    }
}
