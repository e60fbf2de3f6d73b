using System.Data;
using System.Globalization;
using Npgsql;

namespace Inventory.Storage;

/// <summary>The name of an advisory lock in a database.</summary>
public sealed class AdvisoryLock
{
    private readonly object[] values;

    private AdvisoryLock(string arguments, params object[] values) => (Arguments, this.values) = (arguments, values);

    /// <summary>The arguments of <c>pg_try_advisory_lock</c>.</summary>
    internal string Arguments { get; }

    /// <summary>A lock with a number of its own.</summary>
    public static AdvisoryLock Of(long key) => new("$1", key);

    /// <summary>One of several locks of a kind.</summary>
    /// <param name="kind">The number of the kind.</param>
    /// <param name="key">Which of them.</param>
    public static AdvisoryLock Of(int kind, int key) => new("$1, $2", kind, key);

    /// <summary>A lock with a name; PostgreSQL makes its number.</summary>
    public static AdvisoryLock Named(string name) => new("hashtextextended($1, 0)", name);

    /// <summary>Takes the lock for a session, if no other session holds it.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="idle">After which idle time PostgreSQL ends the session; infinite for never.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    public async Task<bool> TryTakeAsync(NpgsqlConnection connection, TimeSpan idle, CancellationToken cancellation)
    {
        var ms = idle == Timeout.InfiniteTimeSpan ? 0 : (long)idle.TotalMilliseconds;
        // One statement takes the lock and sets the timeouts: a process that is suspended between two statements would
        // keep the lock for ever.
        return await connection.ReadValueAsync(
            $"""
            WITH lock AS MATERIALIZED (SELECT pg_try_advisory_lock({Arguments}) AS acquired)
            SELECT acquired, CASE WHEN acquired THEN
                set_config('idle_session_timeout', ${values.Length + 1}, false)
                || set_config('idle_in_transaction_session_timeout', ${values.Length + 1}, false) END
            FROM lock
            """,
            cancellation, [.. values, ms.ToString(CultureInfo.InvariantCulture)]) is true;
    }
}

/// <summary>
/// Leadership in a job that one instance does at a time: a PostgreSQL session that holds an advisory lock. The lock
/// ends with the session, so a leader that writes only through the session can't write after it has lost the lock.
/// </summary>
/// <remarks>
/// PostgreSQL ends a session that was idle for too long. So an instance that hangs loses its leadership; an instance
/// that is busy with other things calls <see cref="KeepAsync"/> in between.
/// </remarks>
public sealed class AdvisoryLease : IAsyncDisposable
{
    private AdvisoryLease(NpgsqlConnection connection) => Connection = connection;

    /// <summary>The session.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>Whether the session has ended, and the leadership with it.</summary>
    public bool HasEnded => Connection.FullState != ConnectionState.Open;

    /// <summary>Takes the leadership; null when another instance has it.</summary>
    /// <param name="source">The database.</param>
    /// <param name="name">The lock.</param>
    /// <param name="idle">After which idle time PostgreSQL ends the session; infinite for never.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public static async Task<AdvisoryLease?> TryTakeAsync(
        NpgsqlDataSource source, AdvisoryLock name, TimeSpan idle, CancellationToken cancellation)
    {
        var connection = await source.ConnectAsync(cancellation);
        try
        {
            if (await name.TryTakeAsync(connection, idle, cancellation)) return new(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Keeps the session from being idle, and proves that it is alive.</summary>
    /// <exception cref="StoreException">The session has ended, and the leadership with it.</exception>
    public Task KeepAsync(CancellationToken cancellation) => Connection.ExecuteAsync("SELECT 1", cancellation);

    /// <summary>Releases the lock at once and returns the connection to its pool with its original settings.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // The pool would reset the session only at its next use.
            await Connection.ExecuteAsync(
                [Sql.Command("SELECT pg_advisory_unlock_all()"), Sql.Command("RESET ALL")], CancellationToken.None);
        }
        catch (StoreException)
        {
            // The session has ended, and its lock with it.
        }

        await Connection.DisposeAsync();
    }
}
