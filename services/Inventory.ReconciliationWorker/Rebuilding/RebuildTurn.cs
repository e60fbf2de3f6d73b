using Npgsql;

namespace Inventory.ReconciliationWorker.Rebuilding;

/// <summary>The right to rebuild one partition: one instance has it at a time, for as long as it is heard of.</summary>
/// <remarks>
/// What keeps two rebuilds apart is the token in Redis. This lock only keeps them from disturbing each other.
/// </remarks>
internal sealed class RebuildTurn : IAsyncDisposable
{
    /// <summary>Sets these locks apart from any others in the database: "reb" in ASCII.</summary>
    private const int LockClass = 0x726562;

    private readonly NpgsqlConnection connection;

    private RebuildTurn(NpgsqlConnection connection) => this.connection = connection;

    /// <summary>Takes it, or returns null when another instance has it.</summary>
    public static async Task<RebuildTurn?> TryTakeAsync(
        NpgsqlDataSource ledger, int partition, CancellationToken cancellation)
    {
        var connection = await ledger.OpenConnectionAsync(cancellation);
        try
        {
            // A frozen process loses its session, and its turn, after a while of silence.
            await using var take = new NpgsqlCommand(
                "SELECT set_config('idle_session_timeout', '20s', false), pg_try_advisory_lock($1, $2)", connection);
            take.Parameters.AddWithValue(LockClass);
            take.Parameters.AddWithValue(partition);
            await using var reader = await take.ExecuteReaderAsync(cancellation);
            await reader.ReadAsync(cancellation);
            if (reader.GetBoolean(1)) return new(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Breaks the silence.</summary>
    /// <exception cref="NpgsqlException">The turn is lost.</exception>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        await using var ping = new NpgsqlCommand("SELECT 1", connection);
        await ping.ExecuteScalarAsync(cancellation);
    }

    /// <summary>Gives it back at once.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await using var release = new NpgsqlCommand(
                "SELECT pg_advisory_unlock_all(); RESET idle_session_timeout", connection);
            await release.ExecuteNonQueryAsync();
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The session has ended, and its lock with it.
        }

        await connection.DisposeAsync();
    }
}
