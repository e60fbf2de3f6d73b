using System.Buffers;
using System.Text;
using System.Text.Json;
using Inventory.Stock;
using Npgsql;

namespace Inventory.History;

/// <summary>An event, and why it can't be stored.</summary>
/// <param name="Record">The event as it lies in the stream.</param>
/// <param name="Error">What is wrong with it.</param>
public sealed record Refused(StreamRecord Record, string Error);

/// <summary>An entry of the stream and the event it tells of.</summary>
/// <param name="Record">As it lies in the stream.</param>
/// <param name="Event">What it means.</param>
public readonly record struct Readable(StreamRecord Record, StockEvent Event);

/// <summary>What storing some events came to.</summary>
/// <param name="Missing">Events that should have come before them, by the numbering of their reservations.</param>
/// <param name="FirstMissing">The reservation that the first of them is missing from, and its number.</param>
/// <param name="Refused">Events whose number another event of the reservation has.</param>
public sealed record Applied(
    int Missing, (Guid Reservation, int Sequence)? FirstMissing, List<Refused> Refused);

/// <summary>Events as rows: each is one of the audit, and the latest of a reservation its current state.</summary>
/// <remarks>
/// Invariants: an event that is stored already changes nothing; a reservation's row never goes back to an earlier
/// event, in whatever order they come. Both hold for the reader, for its repetitions and for replays of dead letters.
/// Absent: events about stock, which began as rows of this database.
/// </remarks>
public static class EventRows
{
    // Both one by one by the key. Lists and joins are as good as the statistics, which a sale's first minute leaves
    // behind: every row that there was was read, for each batch.
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

    /// <summary>Stores events, in their order, within the transaction that is open.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="all">Its events; those about stock are passed over.</param>
    /// <param name="cancellation">Ends the writing; the transaction must be given up then.</param>
    /// <exception cref="PostgresException">
    /// A value can't be stored, if <see cref="Poison.IsIn"/> says so; otherwise PostgreSQL can't store now.
    /// </exception>
    public static async Task<Applied> ApplyAsync(
        NpgsqlTransaction transaction, int partition, IReadOnlyList<Readable> all, CancellationToken cancellation)
    {
        var events = all.Where(readable => readable.Event.ReservationId is not null).ToList();
        if (events.Count == 0) return new(0, null, []);
        var (sequences, known) = await ReadStoredAsync(transaction, partition, events, cancellation);

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

        if (fresh.Count > 0) await InsertAsync(transaction, partition, fresh, cancellation);
        return new(missing, firstMissing, refused);
    }

    /// <summary>What a reservation is after an event: the status of its row.</summary>
    private static string StatusAfter(string type) => type switch
    {
        // A hold that is being confirmed is still a hold.
        "reserved" or "adjusted" or "extended" or "unpinned" or "revived" => "pending",
        _ => type,
    };

    private static async Task<(Dictionary<Guid, int> Sequences, Dictionary<(Guid, int), string> Known)>
        ReadStoredAsync(
            NpgsqlTransaction transaction, int partition, List<Readable> events, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(transaction.Connection, transaction);
        Guid[] ids = [.. events.Select(readable => readable.Event.ReservationId!.Value)];
        batch.BatchCommands.Add(Command(ReadSequences, partition, ids.Distinct().ToArray()));
        batch.BatchCommands.Add(Command(
            ReadKnown, partition, ids, events.Select(readable => readable.Event.Sequence).ToArray()));
        var sequences = new Dictionary<Guid, int>();
        var known = new Dictionary<(Guid, int), string>();
        await using var row = await batch.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation)) sequences.Add(row.GetGuid(0), row.GetInt32(1));
        await row.NextResultAsync(cancellation);
        // An event that is twice in the batch finds its row twice.
        while (await row.ReadAsync(cancellation)) known[(row.GetGuid(0), row.GetInt32(1))] = row.GetString(2);
        return (sequences, known);
    }

    private static async Task InsertAsync(
        NpgsqlTransaction transaction, int partition, List<StockEvent> events, CancellationToken cancellation)
    {
        var ofReservation = events.GroupBy(found => found.ReservationId!.Value).ToList();
        var latest = ofReservation.ConvertAll(group => group.MaxBy(found => found.Sequence)!);
        await using var batch = new NpgsqlBatch(transaction.Connection, transaction);
        batch.BatchCommands.Add(Command(
            InsertEvents, partition, Ids(events), Sequences(events), Texts(events, found => found.Type),
            Texts(events, found => found.Holder!.Value.Text), Times(events, found => found.ExpiresAt!.Value),
            Texts(events, found => LinesJson(found.Lines)), Texts(events, found => found.Id),
            Times(events, found => found.At), events.Select(found => found.TraceParent).ToArray()));
        batch.BatchCommands.Add(Command(
            UpsertReservations, partition, Ids(latest), Sequences(latest),
            Texts(latest, found => StatusAfter(found.Type)), Texts(latest, found => found.Holder!.Value.Text),
            Times(latest, found => found.ExpiresAt!.Value), Texts(latest, found => LinesJson(found.Lines)),
            ofReservation.ConvertAll(group => group.Min(found => found.At).UtcDateTime).ToArray(),
            Times(latest, found => found.At)));
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    private static Guid[] Ids(List<StockEvent> events) => [.. events.Select(found => found.ReservationId!.Value)];

    private static int[] Sequences(List<StockEvent> events) => [.. events.Select(found => found.Sequence)];

    private static string[] Texts(List<StockEvent> events, Func<StockEvent, string> text) => [.. events.Select(text)];

    private static DateTime[] Times(List<StockEvent> events, Func<StockEvent, DateTimeOffset> time) =>
        [.. events.Select(found => time(found).UtcDateTime)];

    private static string LinesJson(IReadOnlyList<Line> lines)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartArray();
            foreach (var line in lines)
            {
                writer.WriteStartObject();
                writer.WriteString("sku", line.Sku);
                writer.WriteNumber("quantity", line.Quantity);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command;
    }
}
