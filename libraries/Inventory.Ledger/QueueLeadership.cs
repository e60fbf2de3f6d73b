using Inventory.Contracts;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>
/// The leadership of the queue: a PostgreSQL session that holds the queue's lock. The leader writes only through this
/// session, so an instance that lost the lock can't write.
/// </summary>
/// <remarks>
/// The leader claims a place before it acts on it, which marks the place unsure. If a caller cancels an unsure place,
/// its hold may exist and has to be released. A place is decided only while it still waits.
/// </remarks>
public sealed class QueueLeadership : IAsyncDisposable
{
    private static readonly AdvisoryLock Lock = AdvisoryLock.Of(0x7761697471756575);

    private static readonly TimeSpan LeaseIdle = TimeSpan.FromSeconds(20);

    /// <summary>
    /// The queue grows and shrinks faster than its statistics: with statistics from a minute ago, each step sorted all
    /// waiting places or read every reservation. Access by place and by id is right at any size. The settings, and a
    /// list instead of a join, leave PostgreSQL no other plan.
    /// </summary>
    private static readonly string[] PlanByIndex =
        ["SET enable_seqscan = off", "SET enable_bitmapscan = off", "SET enable_sort = off", "SET jit = off"];

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

    private readonly AdvisoryLease lease;
    private readonly NpgsqlConnection connection;

    private QueueLeadership(AdvisoryLease lease) => (this.lease, connection) = (lease, lease.Connection);

    internal static async Task<QueueLeadership?> TakeAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        if (await AdvisoryLease.TryTakeAsync(source, Lock, LeaseIdle, cancellation) is not { } lease) return null;
        try
        {
            await lease.Connection.ExecuteAsync([.. PlanByIndex.Select(set => Sql.Command(set))], cancellation);
            return new(lease);
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }
    }

    /// <summary>Expires places that have waited too long.</summary>
    /// <param name="longest">The maximum waiting time.</param>
    /// <param name="count">Maximum number.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <returns>Their number.</returns>
    public async Task<int> ExpireAsync(TimeSpan longest, int count, CancellationToken cancellation) =>
        (int?)await connection.ReadValueAsync(Leave, cancellation, longest, count) ?? 0;

    /// <summary>Claims the first waiting places, and marks them unsure.</summary>
    /// <param name="count">Maximum number.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <returns>The first places, in order.</returns>
    public async Task<IReadOnlyList<QueueEntry>> ClaimAsync(int count, CancellationToken cancellation)
    {
        return await connection.ReadAsync(
            [
                Sql.Command(
                    """
                    UPDATE waiting_queue SET unsure = true WHERE state = 0 AND NOT unsure AND place = ANY(ARRAY(
                        SELECT place FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT $1))
                    """,
                    count),
                // If places were cancelled in between, later places that were not claimed move up; they are claimed
                // next time.
                Sql.Command(
                    $"""
                    SELECT {QueueRows.Columns} FROM
                        (SELECT * FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT $1) q
                    WHERE unsure ORDER BY place
                    """,
                    count),
            ],
            reader => reader.ReadAllAsync(QueueRows.Read, cancellation),
            cancellation);
    }

    /// <summary>Writes decisions about places that still wait.</summary>
    /// <param name="decisions">The decisions, at most one for each place.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <returns>The number of decided places.</returns>
    public async Task<int> DecideAsync(IReadOnlyList<QueueDecision> decisions, CancellationToken cancellation) =>
        (int?)await connection.ReadValueAsync(
            Decide, cancellation,
            decisions.Select(one => one.Place).ToArray(),
            decisions.Select(one => (short)one.State).ToArray(),
            decisions.Select(one => one.Status).ToArray(),
            decisions.Select(one => one.Answer).ToArray()) ?? 0;

    /// <summary>Reads cancelled and expired places that may have a hold.</summary>
    /// <param name="count">Maximum number.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public async Task<IReadOnlyList<QueueEntry>> ReadOwedAsync(int count, CancellationToken cancellation) =>
        await connection.ReadAsync(
            $"SELECT {QueueRows.Columns} FROM waiting_queue q WHERE unsure AND state > 2 ORDER BY place LIMIT $1",
            QueueRows.Read, cancellation, count);

    /// <summary>Records that a cancelled or expired place has no hold.</summary>
    /// <param name="place">The place.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    public Task SettleAsync(long place, CancellationToken cancellation) => connection.ExecuteAsync(
        "UPDATE waiting_queue SET unsure = false WHERE place = $1 AND state > 2", cancellation, place);

    /// <summary>Deletes places that were decided long ago.</summary>
    /// <param name="age">How long a decision is kept.</param>
    /// <param name="count">Maximum number.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <returns>Their number.</returns>
    public Task<int> PruneAsync(TimeSpan age, int count, CancellationToken cancellation) =>
        // In order of places: old places come first, and the scan stops at the limit.
        connection.ExecuteAsync(
            """
            DELETE FROM waiting_queue WHERE place = ANY(ARRAY(
                SELECT place FROM (SELECT * FROM waiting_queue ORDER BY place LIMIT $2) oldest
                WHERE state > 0 AND NOT (unsure AND state > 2) AND resolved_at < now() - $1))
            """,
            cancellation, age, count);

    /// <summary>Releases the leadership.</summary>
    public ValueTask DisposeAsync() => lease.DisposeAsync();

    // A reservation that became an order has ended, even if Redis lost the event that says so.
    private const string Ended =
        $"""
        SELECT asked.id, part.holder,
            CASE WHEN part.has_ended THEN part.status ELSE '{ReservationStatusNames.Confirmed}' END,
            part.deadline, part.lines
        FROM (SELECT DISTINCT unnest($1) AS id) asked
        CROSS JOIN LATERAL (
            SELECT min(holder) AS holder, min(status) AS status, max(deadline) AS deadline,
                bool_and(status <> '{ReservationStatusNames.Pending}') AS has_ended, jsonb_agg(line)::text AS lines
            FROM reservations row, jsonb_array_elements(row.lines) line
            WHERE row.reservation_id = asked.id) part
        LEFT JOIN LATERAL (
            SELECT true AS is_sold FROM orders WHERE orders.reservation_id = asked.id LIMIT 1) bought ON true
        WHERE part.has_ended OR (bought.is_sold AND part.holder IS NOT NULL)
        """;

    /// <summary>Returns those of some reservations that are known to have ended.</summary>
    /// <param name="reservations">The reservations, possibly with duplicates.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public async Task<Dictionary<Guid, EndedHold>> FindEndedAsync(
        Guid[] reservations, CancellationToken cancellation)
    {
        var ended = await connection.ReadAsync(
            Ended,
            row => (Id: row.GetGuid(0), Hold: new EndedHold(
                row.GetString(1), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3),
                LinesJson.Read(row.GetString(4)))),
            cancellation, reservations);
        return ended.ToDictionary(one => one.Id, one => one.Hold);
    }
}

/// <summary>A reservation that has ended, in one partition or in several.</summary>
/// <param name="Holder">The holder in the form that Redis stores.</param>
/// <param name="Status">The type of the event that ended it, or that was lost.</param>
/// <param name="Deadline">By Redis' clock.</param>
/// <param name="Lines">The lines in all partitions.</param>
public sealed record EndedHold(
    string Holder, string Status, DateTimeOffset Deadline, IReadOnlyList<Line> Lines);
