using Npgsql;

namespace Inventory.Ledger;

public sealed partial class WaitingQueue
{
    /// <summary>Finds a ticket's place; null when there is none.</summary>
    /// <param name="ticket">See <see cref="IsTicket"/>.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<QueueEntry?> FindAsync(string ticket, CancellationToken cancellation)
    {
        await readers.WaitAsync(cancellation);
        try
        {
            await using var find = source.CreateCommand(
                $"SELECT {QueueRows.Columns} FROM waiting_queue q WHERE ticket = $1");
            find.Parameters.Add(new() { Value = ticket });
            await using var reader = await find.ExecuteReaderAsync(cancellation);
            return await reader.ReadAsync(cancellation) ? QueueRows.Read(reader) : null;
        }
        finally
        {
            readers.Release();
        }
    }

    /// <summary>Cancels a place that still waits. <see cref="FindAsync"/> reads its state afterwards.</summary>
    /// <param name="ticket">See <see cref="IsTicket"/>.</param>
    /// <param name="cancellation">Stops waiting; the place may or may not be cancelled.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task CancelAsync(string ticket, CancellationToken cancellation)
    {
        await using var cancel = source.CreateCommand(
            """
            WITH cancelled AS (
                UPDATE waiting_queue SET state = 3, resolved_at = now() WHERE ticket = $1 AND state = 0 RETURNING 1)
            UPDATE waiting_queue_load SET waiting = waiting - 1 WHERE EXISTS (SELECT FROM cancelled)
            """);
        cancel.Parameters.Add(new() { Value = ticket });
        await cancel.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Reads the current state of the queue.</summary>
    /// <param name="known">The highest waiting place that the reader already knows, 0 for none.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<QueueLoad> ReadLoadAsync(long known, CancellationToken cancellation)
    {
        // One statement sees one snapshot.
        await using var read = source.CreateCommand(
            """
            SELECT NULL, NULL, head.place, (SELECT coalesce(max(place), 0) FROM waiting_queue), load.waiting,
                coalesce(clock_timestamp() - head.queued_at, '0')
            FROM waiting_queue_load load LEFT JOIN
                (SELECT place, queued_at FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT 1) head ON true
            UNION ALL
            SELECT place, lines, NULL, NULL, NULL, NULL FROM waiting_queue WHERE state = 0 AND place > $1
            """);
        read.Parameters.Add(new() { Value = known });
        await using var reader = await read.ExecuteReaderAsync(cancellation);
        var arrivals = new List<(long, string)>();
        var load = new QueueLoad(null, 0, 0, TimeSpan.Zero, arrivals);
        while (await reader.ReadAsync(cancellation))
        {
            if (!reader.IsDBNull(0))
            {
                arrivals.Add((reader.GetInt64(0), reader.GetString(1)));
                continue;
            }

            long? head = reader.IsDBNull(2) ? null : reader.GetInt64(2);
            load = new(head, reader.GetInt64(3), reader.GetInt32(4), reader.GetTimeSpan(5), arrivals);
        }

        return load;
    }

    /// <summary>Calls back when places are added, until it is cancelled or the connection breaks.</summary>
    /// <param name="arrived">Called once at the start, and then after each batch.</param>
    /// <param name="cancellation">Stops listening.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task ListenAsync(Action arrived, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        connection.Notification += (_, _) => arrived();
        await using var listen = new NpgsqlCommand($"LISTEN {Channel}", connection);
        await listen.ExecuteNonQueryAsync(cancellation);
        arrived();
        while (true)
        {
            await connection.WaitAsync(cancellation);
        }
    }

    /// <summary>Tries to become the leader that processes the queue.</summary>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <returns>Null when another instance is the leader.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public Task<WaitingQueueTurn?> TakeTurnAsync(CancellationToken cancellation) =>
        WaitingQueueTurn.TakeAsync(source, cancellation);
}
