using System.Buffers.Text;
using System.Security.Cryptography;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>The queue of reservations that wait for Redis, first come, first served.</summary>
/// <remarks>
/// Invariants:
/// <list type="bullet">
/// <item>Places become visible in ascending order: a writer locks the single row of the queue's load before it draws
/// numbers, and until it commits. So a reader that has read up to a place has missed none.</item>
/// <item>The load is the number of waiting places: each statement that changes one changes the other.</item>
/// <item>An Idempotency-Key has one place.</item>
/// <item>A shopper with as many waiting places as the bound gets no further one: they are counted under the row's
/// lock, over all instances.</item>
/// </list>
/// Requests of the same moment share the row's lock and the flush of the log.
/// After a failed write, the queue refuses new places for a second without trying: shoppers get the answer at once.
/// </remarks>
public sealed class WaitingQueue : IDisposable
{
    /// <summary>The channel for <c>LISTEN</c>, notified when places are added.</summary>
    public const string Channel = "waiting_queue";

    /// <summary>
    /// Maximum number of places in one transaction. Limits its message; at 500 the round trips cost each place some µs.
    /// </summary>
    private const int MaxBatch = 1_000;

    /// <summary>
    /// Minimum interval between two batches of several places. A caller that waits in a queue doesn't notice it. The
    /// leader needs the lock of the load's row too: without the pause, many new callers would keep it from shortening
    /// the queue.
    /// </summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Maximum number of parallel ticket queries: thousands of callers ask at a time, and this instance has few
    /// connections.
    /// </summary>
    private const int MaxReaders = 8;

    /// <summary>
    /// Timeout of a batch; its callers are then told that there is no place. A batch takes milliseconds; a database
    /// that pauses for longer counts as unavailable.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim readers = new(MaxReaders);
    private readonly NpgsqlDataSource source;
    private readonly TimeProvider time;
    private readonly Coalescer<QueueMember> batches;
    private long unavailableAt;

    /// <summary>Keeps the queue in a database.</summary>
    /// <param name="source">Its connections.</param>
    /// <param name="time">Measures pauses.</param>
    public WaitingQueue(NpgsqlDataSource source, TimeProvider time)
    {
        (this.source, this.time) = (source, time);
        batches = new(waiting => Coalescer.Take(waiting, MaxBatch), WriteAndPauseAsync);
    }

    /// <summary>Adds a request to the queue.</summary>
    /// <param name="intent">The request.</param>
    /// <param name="capacity">The maximum number of waiting places.</param>
    /// <param name="perShopper">The maximum number of waiting places of one shopper.</param>
    /// <param name="cancellation">Stops waiting. The write goes on, so there may be a place.</param>
    /// <exception cref="StoreException">
    /// PostgreSQL is unavailable, or was a moment ago: there may be a place.
    /// </exception>
    /// <exception cref="TimeoutException">PostgreSQL did not answer in time: there may be a place.</exception>
    public Task<EnqueueAnswer> EnqueueAsync(
        QueuedIntent intent, int capacity, int perShopper, CancellationToken cancellation)
    {
        if (Volatile.Read(ref unavailableAt) is var at and not 0 && time.GetElapsedTime(at) < Pause)
        {
            throw new StoreUnavailableException(Store.PostgreSql, "PostgreSQL did not answer a moment ago.");
        }

        var member = new QueueMember(intent, capacity, perShopper, NewTicket());
        batches.Add(member);
        return member.Answer.WaitAsync(cancellation);
    }

    /// <summary>Does not stop batches that are being written.</summary>
    public void Dispose() => readers.Dispose();

    private async Task WriteAndPauseAsync(List<QueueMember> batch)
    {
        // A batch belongs to no single caller, so it is not part of any caller's trace.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var began = time.GetTimestamp();
        await WriteBatchAsync(batch);
        if (batch.Count > 1 && Interval - time.GetElapsedTime(began) is { Ticks: > 0 } pause)
        {
            await Task.Delay(pause, time);
        }
    }

    private async Task WriteBatchAsync(List<QueueMember> batch)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            await WriteAsync(batch, patience.Token).WaitAsync(patience.Token);
            Volatile.Write(ref unavailableAt, 0);
        }
        catch (Exception e)
        {
            Volatile.Write(ref unavailableAt, time.GetTimestamp());
            // Every caller must be completed, or it hangs.
            var reason = e is OperationCanceledException ? new TimeoutException("No answer in time.", e) : e;
            foreach (var member in batch) member.Fail(reason);
        }
    }

    private async Task WriteAsync(List<QueueMember> members, CancellationToken cancellation)
    {
        await source.InTransactionAsync(
            async connection =>
            {
                var load = (int)(await connection.ReadValueAsync(
                    "SELECT waiting FROM waiting_queue_load FOR UPDATE", cancellation))!;
                await FindKnownAsync(connection, members, cancellation);
                await FindWaitingAsync(connection, members, cancellation);
                var added = QueueMember.Place(members, load);
                if (added.Count > 0) await AddAsync(connection, added, cancellation);
                return added.Count;
            },
            cancellation);
        foreach (var member in members) member.Complete();
    }

    private static async Task FindKnownAsync(
        NpgsqlConnection connection, List<QueueMember> members, CancellationToken cancellation)
    {
        var keyed = members.Where(member => member.Intent.IdempotencyKey is not null)
            .ToLookup(member => member.Intent.IdempotencyKey!);
        if (keyed.Count == 0) return;
        var known = await connection.ReadAsync(
            $"SELECT {QueueRows.Columns} FROM waiting_queue q WHERE idempotency_key = ANY($1)", QueueRows.Read,
            cancellation, (object)keyed.Select(same => same.Key).ToArray());
        foreach (var entry in known)
        {
            foreach (var member in keyed[entry.Intent.IdempotencyKey!]) member.MeetBefore(entry);
        }
    }

    /// <summary>Finds what the shoppers of a batch wait for. Requests of other callers need no read.</summary>
    private static async Task FindWaitingAsync(
        NpgsqlConnection connection, List<QueueMember> members, CancellationToken cancellation)
    {
        var shoppers = members.Where(member => member.Intent.Shopper is not null)
            .ToLookup(member => member.Intent.Shopper!);
        if (shoppers.Count == 0) return;
        // Without ORDER BY: an order would offer PostgreSQL the index of all waiting places.
        var waiting = await connection.ReadAsync(
            $"""
            SELECT {QueueRows.Columns} FROM waiting_queue q
            WHERE state = 0 AND is_shopper AND {Orders.OwnerSql} = ANY($1)
            """,
            QueueRows.Read, cancellation, (object)shoppers.Select(same => same.Key).ToArray());
        foreach (var own in waiting.GroupBy(entry => entry.Intent.Shopper!))
        {
            var inOrder = own.OrderBy(entry => entry.Place).ToList();
            foreach (var member in shoppers[own.Key]) member.MeetWaiting(inOrder);
        }
    }

    private static async Task AddAsync(
        NpgsqlConnection connection, List<QueueMember> added, CancellationToken cancellation)
    {
        var places = await connection.ReadAsync(
            [
                QueueRows.Insert(added),
                Sql.Command("UPDATE waiting_queue_load SET waiting = waiting + $1", added.Count),
                Sql.Command($"NOTIFY {Channel}"),
            ],
            reader => reader.ReadAllAsync(
                row => (Place: row.GetInt64(0), Ticket: row.GetString(1), At: row.GetFieldValue<DateTimeOffset>(2)),
                cancellation),
            cancellation);
        var byTicket = added.ToDictionary(member => member.Ticket);
        foreach (var (place, ticket, at) in places) byTicket[ticket].GotPlace(place, at);
    }

    private static string NewTicket()
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return Base64Url.EncodeToString(random);
    }

    /// <summary>Whether <paramref name="text"/> can be a ticket.</summary>
    public static bool IsTicket(string text) =>
        text.Length == 22 && text.All(sign => char.IsAsciiLetterOrDigit(sign) || sign is '-' or '_');

    /// <summary>Finds a ticket's place; null when there is none.</summary>
    /// <param name="ticket">See <see cref="IsTicket"/>.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<QueueEntry?> FindAsync(string ticket, CancellationToken cancellation)
    {
        await readers.WaitAsync(cancellation);
        try
        {
            return (await source.ReadAsync(
                $"SELECT {QueueRows.Columns} FROM waiting_queue q WHERE ticket = $1", QueueRows.Read, cancellation,
                ticket)).SingleOrDefault();
        }
        finally
        {
            readers.Release();
        }
    }

    /// <summary>Cancels a place that still waits. <see cref="FindAsync"/> reads its state afterwards.</summary>
    /// <param name="ticket">See <see cref="IsTicket"/>.</param>
    /// <param name="cancellation">Stops waiting; the place may or may not be cancelled.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task CancelAsync(string ticket, CancellationToken cancellation) => source.ExecuteAsync(
        """
        WITH cancelled AS (
            UPDATE waiting_queue SET state = 3, resolved_at = now() WHERE ticket = $1 AND state = 0 RETURNING 1)
        UPDATE waiting_queue_load SET waiting = waiting - 1 WHERE EXISTS (SELECT FROM cancelled)
        """,
        cancellation, ticket);

    /// <summary>Reads the current state of the queue.</summary>
    /// <param name="known">The highest waiting place that the reader already knows, 0 for none.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<QueueLoad> ReadLoadAsync(long known, CancellationToken cancellation)
    {
        var arrivals = new List<(long, string)>();
        var load = new QueueLoad(null, 0, 0, TimeSpan.Zero, arrivals);
        // One statement sees one snapshot.
        await source.ReadAsync(
            """
            SELECT NULL, NULL, head.place, (SELECT coalesce(max(place), 0) FROM waiting_queue), load.waiting,
                coalesce(clock_timestamp() - head.queued_at, '0')
            FROM waiting_queue_load load LEFT JOIN
                (SELECT place, queued_at FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT 1) head ON true
            UNION ALL
            SELECT place, lines, NULL, NULL, NULL, NULL FROM waiting_queue WHERE state = 0 AND place > $1
            """,
            row =>
            {
                if (row.IsDBNull(0))
                {
                    long? head = row.IsDBNull(2) ? null : row.GetInt64(2);
                    load = new(head, row.GetInt64(3), row.GetInt32(4), row.GetTimeSpan(5), arrivals);
                }
                else
                {
                    arrivals.Add((row.GetInt64(0), row.GetString(1)));
                }

                return load;
            },
            cancellation, known);
        return load;
    }

    /// <summary>Calls back when places are added, until it is cancelled or the connection breaks.</summary>
    /// <param name="arrived">Called once at the start, and then after each batch.</param>
    /// <param name="cancellation">Stops listening.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task ListenAsync(Action arrived, CancellationToken cancellation)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        connection.Notification += (_, _) => arrived();
        await connection.ExecuteAsync($"LISTEN {Channel}", cancellation);
        arrived();
        while (true)
        {
            await connection.CallAsync(async () =>
            {
                await connection.WaitAsync(cancellation);
                return true;
            });
        }
    }

    /// <summary>Tries to become the leader that processes the queue.</summary>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <returns>Null when another instance is the leader.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task<QueueLeadership?> TakeLeadershipAsync(CancellationToken cancellation) =>
        QueueLeadership.TakeAsync(source, cancellation);
}
