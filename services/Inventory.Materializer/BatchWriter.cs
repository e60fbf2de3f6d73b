using System.Diagnostics;
using Inventory.History;
using Inventory.Stock;
using Npgsql;

namespace Inventory.Materializer;

/// <summary>
/// Another session has moved the position on, because this reader has lost its lock without noticing; or a rebuild has
/// begun since the events were read.
/// </summary>
internal sealed class PositionMovedException(int partition)
    : Exception($"Another reader has stored events of partition {partition}.");

/// <summary>
/// Stores batches of one stream, each in one transaction with the position behind it. Events take effect exactly once
/// and in their order, because the position only moves on from the value that the reader began with.
/// </summary>
/// <remarks>
/// A rebuild raises the partition's number before it reads what is stored, and waits for batches that have begun. What
/// was read under the number before is stored by then, or never: Redis may have lost it, and the rebuild brings back
/// the holds as PostgreSQL knew them, which may then end once more, and otherwise.
/// </remarks>
public sealed partial class BatchWriter(MaterializerMetrics metrics, ILogger<BatchWriter> log)
{
    /// <summary>The name of the activities.</summary>
    public const string ActivitySourceName = "Inventory.Materializer";

    /// <summary>Links of one activity: what OpenTelemetry keeps unless told otherwise.</summary>
    private const int MaxLinks = 128;

    /// <summary>Whoever raises the number waits for this transaction.</summary>
    private const string UnderFence =
        "WITH fence AS MATERIALIZED (SELECT epoch FROM fences WHERE partition = $1 FOR SHARE) ";

    private static readonly ActivitySource Activities = new(ActivitySourceName);

    /// <summary>Stores a batch; what can't be stored is found by halving, and goes to the dead letters.</summary>
    /// <returns>The position behind the batch.</returns>
    /// <exception cref="PositionMovedException">
    /// The stored position isn't <paramref name="stored"/>, or the fence isn't the batch's.
    /// </exception>
    internal async Task<StoredPosition> StoreAsync(
        NpgsqlConnection connection, Batch batch, StoredPosition? stored, CancellationToken cancellation)
    {
        try
        {
            return await WriteAsync(connection, batch, stored, cancellation);
        }
        catch (PostgresException e) when (Poison.IsIn(e))
        {
            if (batch.Events.Count > 1)
            {
                var half = batch.Events.Count / 2;
                stored = await StoreAsync(
                    connection, batch with { Events = batch.Events[..half] }, stored, cancellation);
                return await StoreAsync(
                    connection, batch with { Events = batch.Events[half..] }, stored, cancellation);
            }

            var refused = batch.Events[0] with { Event = null, Error = Poison.Describe(e) };
            return await WriteAsync(connection, batch with { Events = [refused] }, stored, cancellation);
        }
    }

    private async Task<StoredPosition> WriteAsync(
        NpgsqlConnection connection, Batch batch, StoredPosition? stored, CancellationToken cancellation)
    {
        using var activity = StartActivity(batch);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var next = new StoredPosition(batch.Events[^1].Record.Id, batch.Epoch);
        // First of all: a reader that has woken up without its lock, or in another life of the data, stops here.
        await MoveAsync(transaction, batch, stored, next, cancellation);
        var readable = batch.Events.FindAll(item => item.Event is not null)
            .ConvertAll(item => new Readable(item.Record, item.Event!));
        var applied = await EventRows.ApplyAsync(transaction, batch.Partition, readable, cancellation);
        List<Refused> dead =
        [
            .. batch.Events.Where(item => item.Event is null).Select(item => new Refused(item.Record, item.Error!)),
            .. applied.Refused,
        ];
        await DeadLetterRows.AddAsync(transaction, batch.Partition, dead, cancellation);
        await transaction.CommitAsync(cancellation);

        metrics.Stored(batch.Events.Count, dead.Count, applied.Missing);
        foreach (var letter in dead) PutAside(letter.Record.Id, batch.Partition, letter.Error);
        if (applied.FirstMissing is var (reservation, sequence))
        {
            EventsMissing(applied.Missing, batch.Partition, sequence, reservation);
        }

        return next;
    }

    private static async Task MoveAsync(
        NpgsqlTransaction transaction,
        Batch batch,
        StoredPosition? from,
        StoredPosition to,
        CancellationToken cancellation)
    {
        await using var move = new NpgsqlCommand(
            UnderFence + (from is null
                ? """
                  INSERT INTO stream_positions (partition, stream_id, epoch)
                  SELECT $1, $2, $3 WHERE coalesce((SELECT epoch FROM fence), 0) = $4
                  ON CONFLICT DO NOTHING
                  """
                : """
                  UPDATE stream_positions SET stream_id = $2, epoch = $3, updated_at = now()
                  WHERE partition = $1 AND coalesce((SELECT epoch FROM fence), 0) = $4
                    AND stream_id = $5 AND epoch IS NOT DISTINCT FROM $6
                  """),
            transaction.Connection,
            transaction);
        move.Parameters.AddWithValue(batch.Partition);
        move.Parameters.AddWithValue(to.StreamId);
        move.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = to.Epoch });
        move.Parameters.AddWithValue(batch.Fence);
        if (from is not null)
        {
            move.Parameters.AddWithValue(from.StreamId);
            move.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = from.Epoch });
        }

        if (await move.ExecuteNonQueryAsync(cancellation) != 1) throw new PositionMovedException(batch.Partition);
    }

    /// <summary>The batch belongs to no request, but each of its events does: their traces are linked.</summary>
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

    [LoggerMessage(1, LogLevel.Error, "Event {Id} of partition {Partition} went to the dead letters: {Error}")]
    private partial void PutAside(string id, int partition, string error);

    [LoggerMessage(
        2, LogLevel.Error,
        "{Missing} events are missing in partition {Partition}, the first being number {Sequence} of {Reservation}.")]
    private partial void EventsMissing(int missing, int partition, int sequence, Guid reservation);
}

/// <summary>Events of one partition that stand side by side in its stream.</summary>
/// <param name="Partition">Its index.</param>
/// <param name="Epoch">Which life of Redis' data they are of; null when they were read while it was fenced.</param>
/// <param name="Fence">The number of the partition's fence that stood before they were read.</param>
/// <param name="Events">One or more, in their order.</param>
internal sealed record Batch(int Partition, string? Epoch, long Fence, List<BatchItem> Events)
{
    public static Batch Read(int partition, string? epoch, long fence, IEnumerable<StreamRecord> records) =>
        new(partition, epoch, fence, [.. records.Select(BatchItem.Read)]);
}

/// <summary>An entry of the stream: the event that it tells of, or why it can't be one.</summary>
/// <param name="Record">As it lies in the stream.</param>
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
