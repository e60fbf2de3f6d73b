using System.Buffers;
using System.Text;
using System.Text.Json;
using Inventory.Stock;
using Inventory.Storage;
using Npgsql;

namespace Inventory.History;

/// <summary>
/// Stores events that can't be stored as rows in the table dead_letters. A position in a stream has at most one dead
/// letter.
/// </summary>
public static class DeadLetterRows
{
    // The first lines of an error message are enough to identify it.
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

    /// <summary>Adds dead letters in the caller's transaction.</summary>
    /// <param name="connection">The connection with the transaction.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="letters">The partition's events that can't be stored, with their errors. May be empty.</param>
    /// <param name="cancellation">Cancels the write; the caller must then roll the transaction back.</param>
    public static async Task AddAsync(
        NpgsqlConnection connection, int partition, List<Refused> letters, CancellationToken cancellation)
    {
        if (letters.Count == 0) return;
        await connection.ExecuteAsync(
            Insert, cancellation, partition,
            letters.ConvertAll(letter => letter.Record.Id).ToArray(),
            letters.ConvertAll(letter => Payload(letter.Record)).ToArray(),
            letters.ConvertAll(letter => Text(letter.Error)).ToArray());
    }

    /// <summary>An error message, shortened to what a dead letter stores.</summary>
    public static string Text(string error) =>
        Storable(error.Length > MaxErrorLength ? error[..MaxErrorLength] : error);

    /// <summary>Rebuilds the event from a dead letter's payload.</summary>
    /// <exception cref="FormatException">The payload isn't a JSON object with string values.</exception>
    public static StreamRecord Record(string streamId, string payload)
    {
        try
        {
            var fields = JsonSerializer.Deserialize<Dictionary<string, string>>(payload);
            return new(streamId, [.. fields ?? []]);
        }
        catch (JsonException e)
        {
            throw new FormatException($"The payload must be a JSON object with string values: {e.Message}", e);
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

    /// <summary>PostgreSQL can't store the character 0; replacing it keeps the dead letter storable.</summary>
    private static string Storable(string text) => text.Replace('\0', '\uFFFD');
}
