using System.Data;
using System.Globalization;
using Npgsql;

namespace Inventory.Materializer;

/// <summary>How far one partition's events are stored.</summary>
/// <param name="StreamId">The last event that took effect.</param>
/// <param name="Epoch">Which life of Redis' data it is of.</param>
public sealed record StoredPosition(string StreamId, string? Epoch);

/// <summary>
/// The right to store one partition's events: a PostgreSQL session that holds the partition's advisory lock. What is
/// written, is written in this very session, so that losing the lock means losing the means to write.
/// </summary>
/// <remarks>
/// PostgreSQL ends the session of a reader that is silent for its lease: a frozen process has a lock for no longer.
/// </remarks>
internal sealed class ReaderSession : IAsyncDisposable
{
    /// <summary>Sets these locks apart from any others in the database: "mat" in ASCII.</summary>
    private const int LockClass = 0x6D6174;

    // One statement: a process that froze between the lock and its limit would keep the lock for ever.
    private const string Acquire =
        """
        WITH lock AS MATERIALIZED (SELECT pg_try_advisory_lock($1, $2) AS acquired)
        SELECT acquired, CASE WHEN acquired THEN
            set_config('idle_session_timeout', $3, false)
            || set_config('idle_in_transaction_session_timeout', $3, false) END
        FROM lock
        """;

    private ReaderSession(NpgsqlConnection connection) => Connection = connection;

    /// <summary>The session.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>Whether the connection is lost, and the lock with it.</summary>
    public bool HasEnded => Connection.FullState != ConnectionState.Open;

    /// <summary>Takes a partition's lock, or returns null when another instance has it.</summary>
    /// <param name="ledger">The database.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="lease">Silence after which PostgreSQL ends the session.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    public static async Task<ReaderSession?> TryOpenAsync(
        NpgsqlDataSource ledger, int partition, TimeSpan lease, CancellationToken cancellation)
    {
        var connection = await ledger.OpenConnectionAsync(cancellation);
        try
        {
            await using var acquire = new NpgsqlCommand(Acquire, connection);
            acquire.Parameters.AddWithValue(LockClass);
            acquire.Parameters.AddWithValue(partition);
            acquire.Parameters.AddWithValue(((long)lease.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
            if (await acquire.ExecuteScalarAsync(cancellation) is true) return new(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>
    /// How far the partition is stored, null before its first event; and the number of its fence, 0 before the first.
    /// </summary>
    public async Task<(StoredPosition? Stored, long Fence)> ReadPositionAsync(
        int partition, CancellationToken cancellation)
    {
        await using var read = new NpgsqlCommand(
            """
            SELECT coalesce((SELECT epoch FROM fences WHERE partition = $1), 0), position.stream_id, position.epoch
            FROM (SELECT $1 AS partition) asked LEFT JOIN stream_positions position USING (partition)
            """,
            Connection);
        read.Parameters.AddWithValue(partition);
        await using var row = await read.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        StoredPosition? stored = row.IsDBNull(1)
            ? null
            : new(row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2));
        return (stored, row.GetInt64(0));
    }

    /// <summary>Breaks the silence, and fails when the session has ended.</summary>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        await using var ping = new NpgsqlCommand("SELECT 1", Connection);
        await ping.ExecuteScalarAsync(cancellation);
    }

    /// <summary>Gives the lock back at once; the connection returns to its pool as it came.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // The pool would reset the session only when somebody uses it again.
            await using var release = new NpgsqlCommand(
                "SELECT pg_advisory_unlock_all(); RESET idle_session_timeout; "
                + "RESET idle_in_transaction_session_timeout",
                Connection);
            await release.ExecuteNonQueryAsync();
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The session has ended, and its lock with it.
        }

        await Connection.DisposeAsync();
    }
}
