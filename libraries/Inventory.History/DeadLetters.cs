using Npgsql;

namespace Inventory.History;

/// <summary>What became of a wish to apply a dead letter.</summary>
public enum ReplayOutcome
{
    /// <summary>Its event is stored now, or was before; the letter is resolved.</summary>
    Replayed,

    /// <summary>It was resolved before; nothing has changed.</summary>
    AlreadyResolved,

    /// <summary>It can't be stored still; the letter says why.</summary>
    StillFailing,

    /// <summary>There is no such letter.</summary>
    NotFound,
}

/// <summary>A replay's outcome.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Error">For <see cref="ReplayOutcome.StillFailing"/>: why.</param>
public sealed record ReplayAnswer(ReplayOutcome Outcome, string? Error = null);

/// <summary>Applies events that were put aside, once what kept them from being stored is gone.</summary>
/// <remarks>
/// Invariant: a replay enters its event into the audit, and into the reservation's row only if that row has seen no
/// later event. It may be repeated, and may run beside the reader and beside another replay.
/// </remarks>
public sealed class DeadLetters(NpgsqlDataSource ledger)
{
    /// <summary>Applies one letter.</summary>
    /// <param name="id">The letter's key.</param>
    /// <param name="cancellation">Ends the attempt, which then has changed nothing.</param>
    public async Task<ReplayAnswer> ReplayAsync(long id, CancellationToken cancellation)
    {
        await using var connection = await ledger.OpenConnectionAsync(cancellation);
        try
        {
            return await ApplyAsync(connection, id, cancellation);
        }
        catch (FormatException e)
        {
            return await RejectAsync(connection, id, e.Message, cancellation);
        }
        catch (PostgresException e) when (Poison.IsIn(e))
        {
            return await RejectAsync(connection, id, Poison.Describe(e), cancellation);
        }
    }

    private static async Task<ReplayAnswer> ApplyAsync(
        NpgsqlConnection connection, long id, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await ReadAsync(transaction, id, cancellation) is not { } letter) return new(ReplayOutcome.NotFound);
        if (letter.IsResolved) return new(ReplayOutcome.AlreadyResolved);

        var record = DeadLetterRows.Record(letter.StreamId, letter.Payload);
        var applied = await EventRows.ApplyAsync(
            transaction, letter.Partition, [new(record, record.Parse())], cancellation);
        if (applied.Refused is [var refused]) throw new FormatException(refused.Error);

        await using var resolve = new NpgsqlCommand(
            "UPDATE dead_letters SET resolved_at = now() WHERE id = $1", connection, transaction);
        resolve.Parameters.AddWithValue(id);
        await resolve.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return new(ReplayOutcome.Replayed);
    }

    private static async Task<(int Partition, string StreamId, string Payload, bool IsResolved)?> ReadAsync(
        NpgsqlTransaction transaction, long id, CancellationToken cancellation)
    {
        // Locked, so that of two replays at once one finds the letter resolved.
        await using var read = new NpgsqlCommand(
            """
            SELECT partition, stream_id, payload::text, resolved_at IS NOT NULL
            FROM dead_letters WHERE id = $1 FOR UPDATE
            """,
            transaction.Connection,
            transaction);
        read.Parameters.AddWithValue(id);
        await using var row = await read.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation)) return null;
        return (row.GetInt32(0), row.GetString(1), row.GetString(2), row.GetBoolean(3));
    }

    private static async Task<ReplayAnswer> RejectAsync(
        NpgsqlConnection connection, long id, string error, CancellationToken cancellation)
    {
        await using var reject = new NpgsqlCommand(
            """
            UPDATE dead_letters SET error = $2, attempts = attempts + 1, last_at = now()
            WHERE id = $1 AND resolved_at IS NULL
            """,
            connection);
        reject.Parameters.AddWithValue(id);
        reject.Parameters.AddWithValue(DeadLetterRows.Text(error));
        await reject.ExecuteNonQueryAsync(cancellation);
        return new(ReplayOutcome.StillFailing, error);
    }
}
