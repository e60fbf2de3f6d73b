using Inventory.Contracts;
using Inventory.Stock;
using Inventory.Storage;
using Npgsql;

namespace Inventory.History;

/// <summary>An event that can't be stored, with the error.</summary>
/// <param name="Record">The event as it is in the stream.</param>
/// <param name="Error">The error.</param>
public sealed record Refused(StreamRecord Record, string Error);

/// <summary>An entry of the stream and the event parsed from it.</summary>
/// <param name="Record">The entry as it is in the stream.</param>
/// <param name="Event">The parsed event.</param>
public readonly record struct Readable(StreamRecord Record, StockEvent Event);

/// <summary>The result of storing a batch of events.</summary>
/// <param name="Missing">
/// Number of earlier events that are missing, by the sequence numbers of their
/// reservations.
/// </param>
/// <param name="FirstMissing">The reservation and the sequence number of the first missing event.</param>
/// <param name="Refused">Events with a sequence number that another event of the reservation already has.</param>
public sealed record Applied(
    int Missing, (Guid Reservation, int Sequence)? FirstMissing, List<Refused> Refused);

/// <summary>
/// Stores events as rows: every event in the history, the latest event of a reservation as its current state.
/// </summary>
/// <remarks>
/// Invariants: storing an event again changes nothing; a reservation's row never returns to an earlier event, in
/// whatever order events arrive. Both hold for the reader, for its retries and for replays of dead letters.
/// By design: events about stock are not stored. They began as rows of this database.
/// </remarks>
public static class EventRows
{
    // Both queries look up one key at a time. With a list or a join, PostgreSQL chooses a plan by statistics that are
    // outdated after the first minute of a sale: each batch then read every row.
    private const string ReadSequences =
        """
        SELECT known.* FROM unnest($2::uuid[]) AS asked (reservation_id)
        CROSS JOIN LATERAL (
            SELECT reservation_id, sequence FROM reservations row
            WHERE row.partition = $1 AND row.reservation_id = asked.reservation_id LIMIT 1) known
        """;

    private const string ReadKnown =
        """
        SELECT known.* FROM unnest($2::uuid[], $3::int[]) AS asked (reservation_id, sequence)
        CROSS JOIN LATERAL (
            SELECT reservation_id, sequence, stream_id FROM reservation_events event
            WHERE event.partition = $1 AND event.reservation_id = asked.reservation_id
                AND event.sequence = asked.sequence LIMIT 1) known
        """;

    private const string InsertEvents =
        """
        INSERT INTO reservation_events
            (partition, reservation_id, sequence, type, holder, deadline, lines, stream_id, at, trace)
        SELECT $1, reservation_id, sequence, type, holder, deadline, lines::jsonb, stream_id, at, trace
        FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[],
            $9::timestamptz[], $10::text[])
            AS event (reservation_id, sequence, type, holder, deadline, lines, stream_id, at, trace)
        """;

    private const string UpsertReservations =
        """
        INSERT INTO reservations AS stored
            (partition, reservation_id, sequence, status, holder, deadline, lines, created_at, updated_at)
        SELECT $1, reservation_id, sequence, status, holder, deadline, lines::jsonb, created_at, updated_at
        FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
            $8::timestamptz[], $9::timestamptz[])
            AS latest (reservation_id, sequence, status, holder, deadline, lines, created_at, updated_at)
        ON CONFLICT (reservation_id, partition) DO UPDATE SET
            sequence = excluded.sequence, status = excluded.status, deadline = excluded.deadline,
            lines = excluded.lines, updated_at = excluded.updated_at
        WHERE stored.sequence < excluded.sequence
        """;

    /// <summary>Stores events in their order, in the caller's transaction.</summary>
    /// <param name="connection">The connection with the transaction.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="all">The partition's events; events about stock are skipped.</param>
    /// <param name="cancellation">Cancels the write; the caller must then roll the transaction back.</param>
    /// <exception cref="StoreRejectedException">
    /// <see cref="Poison.IsIn"/> returns true if a value can't be stored; otherwise PostgreSQL can't store at the
    /// moment.
    /// </exception>
    public static async Task<Applied> ApplyAsync(
        NpgsqlConnection connection, int partition, IReadOnlyList<Readable> all, CancellationToken cancellation)
    {
        var events = all.Where(readable => readable.Event.ReservationId is not null).ToList();
        if (events.Count == 0) return new(0, null, []);
        var (sequences, known) = await ReadStoredAsync(connection, partition, events, cancellation);

        var refused = new List<Refused>();
        var fresh = new List<StockEvent>(events.Count);
        var missing = 0;
        (Guid, int)? firstMissing = null;
        foreach (var (record, found) in events)
        {
            var id = found.ReservationId!.Value;
            if (!known.TryAdd((id, found.Sequence), found.Id))
            {
                var other = known[(id, found.Sequence)];
                if (other == found.Id) continue;
                refused.Add(new(record, $"Event {other} has number {found.Sequence} of this reservation already."));
                continue;
            }

            var last = sequences.GetValueOrDefault(id);
            if (found.Sequence > last + 1)
            {
                missing += found.Sequence - last - 1;
                firstMissing ??= (id, last + 1);
            }

            sequences[id] = Math.Max(last, found.Sequence);
            fresh.Add(found);
        }

        if (fresh.Count > 0) await InsertAsync(connection, partition, fresh, cancellation);
        return new(missing, firstMissing, refused);
    }

    /// <summary>The status of a reservation's row after an event.</summary>
    private static string StatusAfter(string type) => type switch
    {
        EventTypes.Released => ReservationStatusNames.Released,
        EventTypes.Expired => ReservationStatusNames.Expired,
        EventTypes.Confirmed => ReservationStatusNames.Confirmed,
        // A hold that is being confirmed is still pending.
        _ => ReservationStatusNames.Pending,
    };

    private static async Task<(Dictionary<Guid, int> Sequences, Dictionary<(Guid, int), string> Known)>
        ReadStoredAsync(
            NpgsqlConnection connection, int partition, List<Readable> events, CancellationToken cancellation)
    {
        Guid[] ids = [.. events.Select(readable => readable.Event.ReservationId!.Value)];
        return await connection.ReadAsync(
            [
                Sql.Command(ReadSequences, partition, ids.Distinct().ToArray()),
                Sql.Command(ReadKnown, partition, ids, events.Select(readable => readable.Event.Sequence).ToArray()),
            ],
            async row =>
            {
                var sequences = new Dictionary<Guid, int>();
                var known = new Dictionary<(Guid, int), string>();
                while (await row.ReadAsync(cancellation)) sequences.Add(row.GetGuid(0), row.GetInt32(1));
                await row.NextResultAsync(cancellation);
                // An event that is in the batch twice finds its row twice.
                while (await row.ReadAsync(cancellation)) known[(row.GetGuid(0), row.GetInt32(1))] = row.GetString(2);
                return (sequences, known);
            },
            cancellation);
    }

    private static Task<int> InsertAsync(
        NpgsqlConnection connection, int partition, List<StockEvent> events, CancellationToken cancellation)
    {
        var ofReservation = events.GroupBy(found => found.ReservationId!.Value).ToList();
        var latest = ofReservation.ConvertAll(group => group.MaxBy(found => found.Sequence)!);
        var insert = Sql.Command(
            InsertEvents, partition, Ids(events), Sequences(events), Texts(events, found => found.Type),
            Texts(events, found => found.Holder!.Value.Text), Times(events, found => found.ExpiresAt!.Value),
            Texts(events, found => LinesJson.Write(found.Lines)), Texts(events, found => found.Id),
            Times(events, found => found.At), events.Select(found => found.TraceParent).ToArray());
        var upsert = Sql.Command(
            UpsertReservations, partition, Ids(latest), Sequences(latest),
            Texts(latest, found => StatusAfter(found.Type)), Texts(latest, found => found.Holder!.Value.Text),
            Times(latest, found => found.ExpiresAt!.Value), Texts(latest, found => LinesJson.Write(found.Lines)),
            ofReservation.ConvertAll(group => group.Min(found => found.At).UtcDateTime).ToArray(),
            Times(latest, found => found.At));
        return connection.ExecuteAsync([insert, upsert], cancellation);
    }

    private static Guid[] Ids(List<StockEvent> events) => [.. events.Select(found => found.ReservationId!.Value)];

    private static int[] Sequences(List<StockEvent> events) => [.. events.Select(found => found.Sequence)];

    private static string[] Texts(List<StockEvent> events, Func<StockEvent, string> text) => [.. events.Select(text)];

    private static DateTime[] Times(List<StockEvent> events, Func<StockEvent, DateTimeOffset> time) =>
        [.. events.Select(found => time(found).UtcDateTime)];
}
