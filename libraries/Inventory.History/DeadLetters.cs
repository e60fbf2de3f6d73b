using Inventory.Storage;
using Npgsql;

namespace Inventory.History;

/// <summary>The outcome of replaying a dead letter.</summary>
public enum ReplayOutcome
{
    /// <summary>Its event is stored, now or earlier; the dead letter is resolved.</summary>
    Replayed,

    /// <summary>It was already resolved; nothing changed.</summary>
    AlreadyResolved,

    /// <summary>Its event still can't be stored; the dead letter has the error.</summary>
    StillFailing,

    /// <summary>There is no such dead letter.</summary>
    NotFound,
}

/// <summary>A replay's outcome.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Error">For <see cref="ReplayOutcome.StillFailing"/>: the error.</param>
public sealed record ReplayAnswer(ReplayOutcome Outcome, string? Error = null);

/// <summary>Replays dead letters, once the cause of their errors is removed.</summary>
/// <remarks>
/// Invariant: a replay adds its event to the reservation's history, and updates the reservation's row only if that row
/// has no later event. A replay may be repeated, and may run at the same time as the reader or another replay.
/// </remarks>
public sealed class DeadLetters(NpgsqlDataSource ledger)
{
    /// <summary>Replays one dead letter.</summary>
    /// <param name="id">The dead letter's key.</param>
    /// <param name="cancellation">Cancels the attempt; a cancelled attempt changes nothing.</param>
    public async Task<ReplayAnswer> ReplayAsync(long id, CancellationToken cancellation)
    {
        await using var connection = await ledger.ConnectAsync(cancellation);
        try
        {
            return await connection.InTransactionAsync(() => ApplyAsync(connection, id, cancellation), cancellation);
        }
        catch (FormatException e)
        {
            return await RejectAsync(connection, id, e.Message, cancellation);
        }
        catch (StoreRejectedException e) when (Poison.IsIn(e))
        {
            return await RejectAsync(connection, id, e.Message, cancellation);
        }
    }

    private static async Task<ReplayAnswer> ApplyAsync(
        NpgsqlConnection connection, long id, CancellationToken cancellation)
    {
        if (await ReadAsync(connection, id, cancellation) is not { } letter) return new(ReplayOutcome.NotFound);
        if (letter.IsResolved) return new(ReplayOutcome.AlreadyResolved);

        var record = DeadLetterRows.Record(letter.StreamId, letter.Payload);
        var applied = await EventRows.ApplyAsync(
            connection, letter.Partition, [new(record, record.Parse())], cancellation);
        if (applied.Refused is [var refused]) throw new FormatException(refused.Error);

        await connection.ExecuteAsync("UPDATE dead_letters SET resolved_at = now() WHERE id = $1", cancellation, id);
        return new(ReplayOutcome.Replayed);
    }

    private static async Task<(int Partition, string StreamId, string Payload, bool IsResolved)?> ReadAsync(
        NpgsqlConnection connection, long id, CancellationToken cancellation)
    {
        // The lock lets the second of two concurrent replays see that the dead letter is resolved.
        var letters = await connection.ReadAsync(
            """
            SELECT partition, stream_id, payload::text, resolved_at IS NOT NULL
            FROM dead_letters WHERE id = $1 FOR UPDATE
            """,
            row => (row.GetInt32(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)), cancellation, id);
        return letters.Count == 0 ? null : letters[0];
    }

    private static async Task<ReplayAnswer> RejectAsync(
        NpgsqlConnection connection, long id, string error, CancellationToken cancellation)
    {
        await connection.ExecuteAsync(
            """
            UPDATE dead_letters SET error = $2, attempts = attempts + 1, last_at = now()
            WHERE id = $1 AND resolved_at IS NULL
            """,
            cancellation, id, DeadLetterRows.Text(error));
        return new(ReplayOutcome.StillFailing, error);
    }
}
