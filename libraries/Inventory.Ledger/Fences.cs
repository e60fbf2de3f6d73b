using Npgsql;

namespace Inventory.Ledger;

/// <summary>
/// Numbers the lives of the stock store's data. A rebuild raises its partition's number before it reads anything. An
/// order may only come of a pin of the number that stands: one that was lost with the old data never becomes an order
/// beside the hold that was restored for it. And events are only stored under the number that they were read under:
/// what was lost with the old data never ends a hold that was restored.
/// </summary>
public sealed class Fences(NpgsqlDataSource source)
{
    // Waits for the confirms and batches of events that have read the number: afterwards each is there, or never.
    private const string Raise =
        """
        INSERT INTO fences (partition, epoch, cause) VALUES ($1, $2 + 1, $3)
        ON CONFLICT (partition) DO UPDATE SET
            epoch = greatest(fences.epoch, $2) + 1, cause = excluded.cause, closed_at = now(),
            run_id = NULL, opened_at = NULL
        RETURNING epoch
        """;

    /// <summary>Locks and reads what confirms depend on. $1: partitions.</summary>
    internal const string LockForConfirm =
        "SELECT partition, epoch FROM fences WHERE partition = ANY($1) ORDER BY partition FOR SHARE";

    /// <summary>Refuses every pin of a partition that was made so far, and waits for orders on their way.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="known">The number that the stock store has; the new one is higher, 0 for none.</param>
    /// <param name="cause">Why, in words.</param>
    /// <param name="cancellation">Ends the waiting: it may be raised or not then.</param>
    /// <returns>The new number.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<long> RaiseAsync(int partition, long known, string cause, CancellationToken cancellation)
    {
        await using var raise = source.CreateCommand(Raise);
        raise.Parameters.Add(new() { Value = partition });
        raise.Parameters.Add(new() { Value = known });
        raise.Parameters.Add(new() { Value = cause });
        return (long)(await raise.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
    }

    /// <summary>The last number under which a partition may have sold.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>0 before the first.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<long> ReadSoldAsync(int partition, CancellationToken cancellation)
    {
        await using var read = source.CreateCommand("SELECT sold_epoch FROM fences WHERE partition = $1");
        read.Parameters.Add(new() { Value = partition });
        return (long?)await read.ExecuteScalarAsync(cancellation).ConfigureAwait(false) ?? 0;
    }

    /// <summary>Notes under which number a partition may have sold last: before the stock store is opened.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="epoch">What <see cref="RaiseAsync"/> returned.</param>
    /// <param name="sold">The same; or the number of before, once it is known that it was not opened.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task SoldAsync(int partition, long epoch, long sold, CancellationToken cancellation)
    {
        await using var note = source.CreateCommand(
            "UPDATE fences SET sold_epoch = $3 WHERE partition = $1 AND epoch = $2");
        note.Parameters.Add(new() { Value = partition });
        note.Parameters.Add(new() { Value = epoch });
        note.Parameters.Add(new() { Value = sold });
        await note.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Notes that a partition sells again.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="epoch">What <see cref="RaiseAsync"/> returned.</param>
    /// <param name="runId">The run of the server that was opened.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    public async Task OpenedAsync(int partition, long epoch, string runId, CancellationToken cancellation)
    {
        await using var opened = source.CreateCommand(
            "UPDATE fences SET run_id = $3, opened_at = now() WHERE partition = $1 AND epoch = $2");
        opened.Parameters.Add(new() { Value = partition });
        opened.Parameters.Add(new() { Value = epoch });
        opened.Parameters.Add(new() { Value = runId });
        await opened.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The number that stands, and how far the partition's events are stored.</summary>
    /// <param name="partition">The partition's index.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>0 before the first number, null before the first event.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<(long Epoch, string? StreamId)> ReadAsync(int partition, CancellationToken cancellation)
    {
        await using var read = source.CreateCommand(
            """
            SELECT coalesce((SELECT epoch FROM fences WHERE partition = $1), 0),
                (SELECT stream_id FROM stream_positions WHERE partition = $1)
            """);
        read.Parameters.Add(new() { Value = partition });
        await using var reader = await read.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await reader.ReadAsync(cancellation).ConfigureAwait(false);
        return (reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetString(1));
    }
}
