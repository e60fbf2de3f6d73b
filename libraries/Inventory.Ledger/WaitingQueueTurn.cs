using Npgsql;

namespace Inventory.Ledger;

/// <summary>
/// The right to work the queue off: a PostgreSQL session that holds the queue's lock. All it writes goes through this
/// session, so whoever lost it writes nothing any more.
/// </summary>
/// <remarks>
/// A place is claimed before anybody acts on it, which makes it unsure: whoever cancels it then leaves behind that its
/// hold, if there is one, is to be given back. It is decided only where it still waits.
/// </remarks>
public sealed partial class WaitingQueueTurn : IAsyncDisposable
{
    /// <summary>The number of the lock: any that nobody else uses in this database.</summary>
    private const long LockKey = 0x7761697471756575;

    /// <summary>
    /// A host that hangs loses its turn: its session ends, and with it the lock. And the queue grows and shrinks faster
    /// than statistics follow: by those of a minute ago each step sorted all who waited, or read every reservation.
    /// Going by place and by id is right at any size. A list in place of a join leaves no other way.
    /// </summary>
    private const string Take =
        """
        SELECT pg_try_advisory_lock($1), set_config('idle_session_timeout', '20s', false),
            set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
            set_config('enable_sort', 'off', false), set_config('jit', 'off', false)
        """;

    private const string Leave =
        """
        WITH gone AS (
            UPDATE waiting_queue SET state = 4, resolved_at = now() WHERE state = 0 AND place = ANY(ARRAY(
                SELECT place FROM (
                    SELECT place, queued_at FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT $2) head
                WHERE queued_at < now() - $1)) RETURNING 1),
        counted AS (SELECT count(*)::integer AS number FROM gone)
        UPDATE waiting_queue_load SET waiting = waiting - number FROM counted WHERE number > 0 RETURNING number
        """;

    private const string Decide =
        """
        WITH decided AS (
            UPDATE waiting_queue q SET state = d.state, status = d.status, answer = d.answer, resolved_at = now()
            FROM unnest($1, $2, $3, $4) AS d (place, state, status, answer)
            WHERE q.place = ANY($1) AND q.place = d.place AND q.state = 0 RETURNING 1),
        counted AS (SELECT count(*)::integer AS number FROM decided)
        UPDATE waiting_queue_load SET waiting = waiting - number FROM counted WHERE number > 0 RETURNING number
        """;

    private readonly NpgsqlConnection connection;

    private WaitingQueueTurn(NpgsqlConnection connection) => this.connection = connection;

    internal static async Task<WaitingQueueTurn?> TakeAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        var connection = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        try
        {
            await using var take = new NpgsqlCommand(Take, connection);
            take.Parameters.Add(new() { Value = LockKey });
            await using (var reader = await take.ExecuteReaderAsync(cancellation).ConfigureAwait(false))
            {
                await reader.ReadAsync(cancellation).ConfigureAwait(false);
                if (reader.GetBoolean(0)) return new(connection);
            }
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        await new WaitingQueueTurn(connection).DisposeAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>Ends the waiting of those whom nobody waits for any more.</summary>
    /// <param name="longest">How long anybody waits.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>How many.</returns>
    public async Task<int> ExpireAsync(TimeSpan longest, int count, CancellationToken cancellation)
    {
        await using var expire = new NpgsqlCommand(Leave, connection);
        expire.Parameters.Add(new() { Value = longest });
        expire.Parameters.Add(new() { Value = count });
        return (int?)await expire.ExecuteScalarAsync(cancellation).ConfigureAwait(false) ?? 0;
    }

    /// <summary>Takes the first who wait to be decided, and notes that this has begun.</summary>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>Those who came first, in order.</returns>
    public async Task<IReadOnlyList<QueueEntry>> ClaimAsync(int count, CancellationToken cancellation)
    {
        await using var claim = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new(
                    """
                    UPDATE waiting_queue SET unsure = true WHERE state = 0 AND NOT unsure AND place = ANY(ARRAY(
                        SELECT place FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT $1))
                    """)
                { Parameters = { new() { Value = count } } },
                // Those who were cancelled in between make room for some that were not claimed: their turn is next.
                new(
                    $"""
                    SELECT {QueueRows.Columns} FROM
                        (SELECT * FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT $1) q
                    WHERE unsure ORDER BY place
                    """)
                { Parameters = { new() { Value = count } } },
            },
        };
        return await ReadAsync(claim, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes what was decided about places that still wait.</summary>
    /// <param name="decisions">At most one for each place.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>How many still waited.</returns>
    public async Task<int> DecideAsync(IReadOnlyList<QueueDecision> decisions, CancellationToken cancellation)
    {
        await using var decide = new NpgsqlCommand(Decide, connection);
        decide.Parameters.Add(new() { Value = decisions.Select(one => one.Place).ToArray() });
        decide.Parameters.Add(new() { Value = decisions.Select(one => (short)one.State).ToArray() });
        decide.Parameters.Add(new() { Value = decisions.Select(one => one.Status).ToArray() });
        decide.Parameters.Add(new() { Value = decisions.Select(one => one.Answer).ToArray() });
        return (int?)await decide.ExecuteScalarAsync(cancellation).ConfigureAwait(false) ?? 0;
    }

    /// <summary>Places that were given up after somebody may have acted on them.</summary>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public async Task<IReadOnlyList<QueueEntry>> ReadOwedAsync(int count, CancellationToken cancellation)
    {
        await using var read = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new(
                    $"""
                    SELECT {QueueRows.Columns} FROM waiting_queue q WHERE unsure AND state > 2
                    ORDER BY place LIMIT $1
                    """)
                { Parameters = { new() { Value = count } } },
            },
        };
        return await ReadAsync(read, cancellation).ConfigureAwait(false);
    }

    /// <summary>Notes that nothing is held for a place that was given up.</summary>
    /// <param name="place">Which.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    public async Task SettleAsync(long place, CancellationToken cancellation)
    {
        await using var settle = new NpgsqlCommand(
            "UPDATE waiting_queue SET unsure = false WHERE place = $1 AND state > 2", connection);
        settle.Parameters.Add(new() { Value = place });
        await settle.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Forgets places that were decided long ago.</summary>
    /// <param name="age">How long a decision is kept.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>How many.</returns>
    public async Task<int> PruneAsync(TimeSpan age, int count, CancellationToken cancellation)
    {
        // By place: what is old stands in front, and reading stops at what is not.
        await using var prune = new NpgsqlCommand(
            """
            DELETE FROM waiting_queue WHERE place = ANY(ARRAY(
                SELECT place FROM (SELECT * FROM waiting_queue ORDER BY place LIMIT $2) oldest
                WHERE state > 0 AND NOT (unsure AND state > 2) AND resolved_at < now() - $1))
            """,
            connection);
        prune.Parameters.Add(new() { Value = age });
        prune.Parameters.Add(new() { Value = count });
        return await prune.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives the turn back.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await using var end = new NpgsqlCommand("SELECT pg_advisory_unlock_all(); RESET ALL", connection);
            await end.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The session is over, and its lock with it.
        }

        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<IReadOnlyList<QueueEntry>> ReadAsync(NpgsqlBatch batch, CancellationToken cancellation)
    {
        await using var reader = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        var entries = new List<QueueEntry>();
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false)) entries.Add(QueueRows.Read(reader));
        return entries;
    }
}
