using System.Buffers;
using System.Text;
using System.Text.Json;
using Inventory.Stock;
using Npgsql;

namespace Inventory.History;

/// <summary>Events that can't be stored, as rows. Each place in a stream has one letter at most.</summary>
public static class DeadLetterRows
{
    // A failure says what it is in its first lines.
    private const int MaxErrorLength = 2_000;

    private const string Insert =
        """
        INSERT INTO dead_letters AS known (partition, stream_id, payload, error, attempts, first_at, last_at)
        SELECT $1, stream_id, payload::jsonb, error, 1, now(), now()
        FROM unnest($2::text[], $3::text[], $4::text[]) AS letter (stream_id, payload, error)
        ON CONFLICT (partition, stream_id) DO UPDATE SET
            payload = excluded.payload, error = excluded.error, attempts = known.attempts + 1, last_at = now()
        WHERE known.resolved_at IS NULL
        """;

    /// <summary>Adds letters within the transaction that is open.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="letters">Events of it, and why they can't be stored. May be none.</param>
    /// <param name="cancellation">Ends the writing; the transaction must be given up then.</param>
    public static async Task AddAsync(
        NpgsqlTransaction transaction, int partition, List<Refused> letters, CancellationToken cancellation)
    {
        if (letters.Count == 0) return;
        await using var insert = new NpgsqlCommand(Insert, transaction.Connection, transaction);
        insert.Parameters.AddWithValue(partition);
        insert.Parameters.AddWithValue(letters.ConvertAll(letter => letter.Record.Id).ToArray());
        insert.Parameters.AddWithValue(letters.ConvertAll(letter => Payload(letter.Record)).ToArray());
        insert.Parameters.AddWithValue(letters.ConvertAll(letter => Text(letter.Error)).ToArray());
        await insert.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>An error as a letter keeps it.</summary>
    public static string Text(string error) =>
        Storable(error.Length > MaxErrorLength ? error[..MaxErrorLength] : error);

    /// <summary>The event that a letter keeps.</summary>
    /// <exception cref="FormatException">Its payload isn't an object of texts.</exception>
    public static StreamRecord Record(string streamId, string payload)
    {
        try
        {
            var fields = JsonSerializer.Deserialize<Dictionary<string, string>>(payload);
            return new(streamId, [.. fields ?? []]);
        }
        catch (JsonException e)
        {
            throw new FormatException($"The payload must be an object of texts: {e.Message}", e);
        }
    }

    private static string Payload(StreamRecord record)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            foreach (var field in record.Fields) writer.WriteString(Storable(field.Key), Storable(field.Value));
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    /// <summary>PostgreSQL keeps any text but the character 0, which must not keep a letter from being kept.</summary>
    private static string Storable(string text) => text.Replace('\0', '\uFFFD');
}
