using Npgsql;

namespace Inventory.Ledger;

/// <summary>
/// Stores the epoch of each partition: the number of its set of data in Redis. A rebuild raises the epoch before it
/// reads anything. An order is only written for a pin of the current epoch, so a pin that was lost with the old data
/// never becomes an order beside the restored hold. Events are only stored under the epoch that they were read under,
/// so an event that was lost with the old data never ends a restored hold.
/// </summary>
public sealed class Fences(NpgsqlDataSource source)
{
    // Waits for confirms and event batches that have read the epoch: after the update each of them is either committed
    // or will fail.
    private const string Raise =
        """
        INSERT INTO fences (partition, epoch, cause) VALUES ($1, $2 + 1, $3)
        ON CONFLICT (partition) DO UPDATE SET
            epoch = greatest(fences.epoch, $2) + 1, cause = excluded.cause, closed_at = now(),
            run_id = NULL, opened_at = NULL
        RETURNING epoch
        """;

    /// <summary>Locks and reads the epochs that confirms depend on. $1: partitions.</summary>
    internal const string LockForConfirm =
        "SELECT partition, epoch FROM fences WHERE partition = ANY($1) ORDER BY partition FOR SHARE";

    /// <summary>
    /// Raises a partition's epoch: invalidates all its pins and waits for orders that are being written.
    /// </summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="known">The epoch that Redis has, 0 for none. The new one is higher.</param>
    /// <param name="cause">The reason, as text.</param>
    /// <param name="cancellation">Stops waiting; the epoch may or may not be raised.</param>
    /// <returns>The new epoch.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<long> RaiseAsync(int partition, long known, string cause, CancellationToken cancellation)
    {
        await using var raise = source.CreateCommand(Raise);
        raise.Parameters.Add(new() { Value = partition });
        raise.Parameters.Add(new() { Value = known });
        raise.Parameters.Add(new() { Value = cause });
        return (long)(await raise.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>The last epoch in which a partition may have sold.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <returns>0 before the first epoch.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<long> ReadSoldAsync(int partition, CancellationToken cancellation)
    {
        await using var read = source.CreateCommand("SELECT sold_epoch FROM fences WHERE partition = $1");
        read.Parameters.Add(new() { Value = partition });
        return (long?)await read.ExecuteScalarAsync(cancellation) ?? 0;
    }

    /// <summary>Records the last epoch in which a partition may have sold. Call it before Redis is opened.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="epoch">The epoch that <see cref="RaiseAsync"/> returned.</param>
    /// <param name="sold">
    /// The same epoch; or the previous one, once it is known that the new one was not
    /// opened.
    /// </param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task SoldAsync(int partition, long epoch, long sold, CancellationToken cancellation)
    {
        await using var note = source.CreateCommand(
            "UPDATE fences SET sold_epoch = $3 WHERE partition = $1 AND epoch = $2");
        note.Parameters.Add(new() { Value = partition });
        note.Parameters.Add(new() { Value = epoch });
        note.Parameters.Add(new() { Value = sold });
        await note.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Records that a partition sells again.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="epoch">The epoch that <see cref="RaiseAsync"/> returned.</param>
    /// <param name="runId">The run of the server that was opened for sale.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task OpenedAsync(int partition, long epoch, string runId, CancellationToken cancellation)
    {
        await using var opened = source.CreateCommand(
            "UPDATE fences SET run_id = $3, opened_at = now() WHERE partition = $1 AND epoch = $2");
        opened.Parameters.Add(new() { Value = partition });
        opened.Parameters.Add(new() { Value = epoch });
        opened.Parameters.Add(new() { Value = runId });
        await opened.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The current epoch, and the position up to which the partition's events are stored.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <returns>Epoch 0 before the first rebuild; position null before the first event.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<(long Epoch, string? StreamId)> ReadAsync(int partition, CancellationToken cancellation)
    {
        await using var read = source.CreateCommand(
            """
            SELECT coalesce((SELECT epoch FROM fences WHERE partition = $1), 0),
                (SELECT stream_id FROM stream_positions WHERE partition = $1)
            """);
        read.Parameters.Add(new() { Value = partition });
        await using var reader = await read.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetString(1));
    }
}
