using Inventory.Storage;
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
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<long> RaiseAsync(int partition, long known, string cause, CancellationToken cancellation) =>
        (long)(await source.ReadValueAsync(Raise, cancellation, partition, known, cause))!;

    /// <summary>The last epoch in which a partition may have sold.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <returns>0 before the first epoch.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<long> ReadSoldAsync(int partition, CancellationToken cancellation) =>
        (long?)await source.ReadValueAsync(
            "SELECT sold_epoch FROM fences WHERE partition = $1", cancellation, partition) ?? 0;

    /// <summary>Records the last epoch in which a partition may have sold. Call it before Redis is opened.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="epoch">The epoch that <see cref="RaiseAsync"/> returned.</param>
    /// <param name="sold">
    /// The same epoch; or the previous one, once it is known that the new one was not
    /// opened.
    /// </param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task SoldAsync(int partition, long epoch, long sold, CancellationToken cancellation) => source.ExecuteAsync(
        "UPDATE fences SET sold_epoch = $3 WHERE partition = $1 AND epoch = $2", cancellation, partition, epoch, sold);

    /// <summary>Records that a partition sells again.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="epoch">The epoch that <see cref="RaiseAsync"/> returned.</param>
    /// <param name="runId">The run of the server that was opened for sale.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public Task OpenedAsync(int partition, long epoch, string runId, CancellationToken cancellation) =>
        source.ExecuteAsync(
            "UPDATE fences SET run_id = $3, opened_at = now() WHERE partition = $1 AND epoch = $2",
            cancellation, partition, epoch, runId);

    /// <summary>The current epoch, and the position up to which the partition's events are stored.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <returns>Epoch 0 before the first rebuild; position null before the first event.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<(long Epoch, string? StreamId)> ReadAsync(int partition, CancellationToken cancellation) =>
        (await source.ReadAsync(
            """
            SELECT coalesce((SELECT epoch FROM fences WHERE partition = $1), 0),
                (SELECT stream_id FROM stream_positions WHERE partition = $1)
            """,
            row => (row.GetInt64(0), row.IsDBNull(1) ? null : row.GetString(1)), cancellation, partition)).Single();

    /// <summary>
    /// Forgets a stored position that no script can have given, so that new events don't have to come after it. The
    /// materializer then reads the stream from its beginning; events that are stored already change nothing.
    /// </summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="streamId">The position. Another one stays.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task ForgetPositionAsync(int partition, string streamId, CancellationToken cancellation) =>
        source.ExecuteAsync(
            "DELETE FROM stream_positions WHERE partition = $1 AND stream_id = $2", cancellation, partition, streamId);
}
