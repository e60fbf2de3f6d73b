using System.Data;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Npgsql;

namespace Inventory.Storage;

/// <summary>
/// The only way to run SQL, and the boundary to Npgsql: translates what a call throws into a
/// <see cref="StoreException"/>. A cancellation by the caller stays an <see cref="OperationCanceledException"/>.
/// </summary>
/// <remarks>
/// Parameters are positional, <c>$1</c> and so on; null is SQL's NULL. Methods on <see cref="NpgsqlDataSource"/> take a
/// connection of their own for one statement.
/// </remarks>
public static class Sql
{
    // In addition to the codes that Npgsql treats as transient, which include ended sessions (57P01 to 57P05).
    private static readonly string[] Unready =
    [
        // PostgreSQL has ended a session or a transaction of a host that was suspended for too long.
        "25P03", "25P04",
        // The reconciliation worker creates the database and its tables when it starts.
        PostgresErrorCodes.InvalidCatalogName, PostgresErrorCodes.UndefinedTable,
    ];

    /// <summary>
    /// Translates an exception of Npgsql, also inside those of Entity Framework, which wraps transient failures and
    /// failures of a save. Null for a cancellation by the caller, for a bug, and for what is translated already.
    /// </summary>
    public static StoreException? Translate(Exception failure)
    {
        if (failure is OperationCanceledException or StoreException) return null;
        for (var e = failure; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case StoreException known:
                    return known;
                case PostgresException refused:
                    return Refusal(refused);
                case NpgsqlException:
                    return Unanswered(e);
            }
        }

        return null;
    }

    /// <summary>Opens a connection.</summary>
    /// <exception cref="StoreUnavailableException">PostgreSQL can't be reached.</exception>
    /// <exception cref="StoreRejectedException">PostgreSQL accepts no connection.</exception>
    public static async Task<NpgsqlConnection> ConnectAsync(
        this NpgsqlDataSource source, CancellationToken cancellation)
    {
        try
        {
            return await source.OpenConnectionAsync(cancellation);
        }
        catch (Exception e) when (OfOpening(e) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Opens a connection outside a pool.</summary>
    /// <inheritdoc cref="ConnectAsync(NpgsqlDataSource, CancellationToken)"/>
    public static async Task ConnectAsync(this NpgsqlConnection connection, CancellationToken cancellation)
    {
        try
        {
            await connection.OpenAsync(cancellation);
        }
        catch (Exception e) when (OfOpening(e) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Makes a call of the client that has no other method here, such as one of a replication.</summary>
    public static async Task CallAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception e) when ((OfClient(e) ?? OfDisposed(e)) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Makes a call of the client itself on a connection, where no other method here fits.</summary>
    public static async Task<T> CallAsync<T>(this NpgsqlConnection connection, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (OfCall(e, connection) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>
    /// Runs a transaction, which is committed when <paramref name="act"/> returns, and rolled back when it throws.
    /// </summary>
    public static Task<T> InTransactionAsync<T>(
        this NpgsqlConnection connection, Func<Task<T>> act, CancellationToken cancellation) =>
        connection.CallAsync(async () =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            var result = await act();
            await transaction.CommitAsync(cancellation);
            return result;
        });

    /// <inheritdoc cref="InTransactionAsync{T}(NpgsqlConnection, Func{Task{T}}, CancellationToken)"/>
    public static async Task<T> InTransactionAsync<T>(
        this NpgsqlDataSource source, Func<NpgsqlConnection, Task<T>> act, CancellationToken cancellation)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        return await connection.InTransactionAsync(() => act(connection), cancellation);
    }

    /// <summary>Runs a statement.</summary>
    /// <returns>The number of rows that it changed.</returns>
    public static Task<int> ExecuteAsync(
        this NpgsqlConnection connection, string sql, CancellationToken cancellation, params object?[] values) =>
        connection.ExecuteAsync([Command(sql, values)], cancellation);

    /// <inheritdoc cref="ExecuteAsync(NpgsqlConnection, string, CancellationToken, object?[])"/>
    public static async Task<int> ExecuteAsync(
        this NpgsqlDataSource source, string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        return await connection.ExecuteAsync(sql, cancellation, values);
    }

    /// <summary>Runs statements in one round trip.</summary>
    /// <returns>The number of rows that they changed.</returns>
    public static Task<int> ExecuteAsync(
        this NpgsqlConnection connection, IEnumerable<NpgsqlBatchCommand> commands, CancellationToken cancellation) =>
        connection.CallAsync(async () =>
        {
            await using var batch = Batch(connection, commands);
            return await batch.ExecuteNonQueryAsync(cancellation);
        });

    /// <summary>Runs a statement and returns its rows.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="sql">The statement.</param>
    /// <param name="row">Converts a row.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <param name="values">The parameters, in order.</param>
    public static Task<List<T>> ReadAsync<T>(
        this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellation,
        params object?[] values) =>
        connection.ReadAsync([Command(sql, values)], reader => reader.ReadAllAsync(row, cancellation), cancellation);

    /// <summary>Runs a statement and reads all of its rows, on a connection of its own.</summary>
    public static async Task<List<T>> ReadAsync<T>(
        this NpgsqlDataSource source, string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellation,
        params object?[] values)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        return await connection.ReadAsync(sql, row, cancellation, values);
    }

    /// <summary>Runs statements in one round trip and reads their results.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="commands">The statements.</param>
    /// <param name="read">Reads the results; those that it leaves are skipped.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <param name="timeout">In seconds; the connection's usual one when null.</param>
    public static Task<T> ReadAsync<T>(
        this NpgsqlConnection connection, IEnumerable<NpgsqlBatchCommand> commands,
        Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellation, int? timeout = null) =>
        connection.CallAsync(async () =>
        {
            await using var batch = Batch(connection, commands);
            if (timeout is { } seconds) batch.Timeout = seconds;
            await using var reader = await batch.ExecuteReaderAsync(cancellation);
            var result = await read(reader);
            // A failure of the last statement shows only at the end.
            while (await reader.NextResultAsync(cancellation))
            {
            }

            return result;
        });

    /// <summary>Runs a statement that returns one value.</summary>
    /// <returns>Its value; null for NULL, or without a row.</returns>
    public static Task<object?> ReadValueAsync(
        this NpgsqlConnection connection, string sql, CancellationToken cancellation, params object?[] values) =>
        connection.CallAsync(async () =>
        {
            await using var batch = Batch(connection, [Command(sql, values)]);
            var value = await batch.ExecuteScalarAsync(cancellation);
            return value is DBNull ? null : value;
        });

    /// <inheritdoc cref="ReadValueAsync(NpgsqlConnection, string, CancellationToken, object?[])"/>
    public static async Task<object?> ReadValueAsync(
        this NpgsqlDataSource source, string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        return await connection.ReadValueAsync(sql, cancellation, values);
    }

    /// <summary>Runs a statement with many rows, without a limit of time, and returns them one by one.</summary>
    public static async IAsyncEnumerable<T> StreamAsync<T>(
        this NpgsqlDataSource source, string sql, Func<NpgsqlDataReader, T> row,
        [EnumeratorCancellation] CancellationToken cancellation, params object?[] values)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        await using var batch = Batch(connection, [Command(sql, values)]);
        batch.Timeout = 0;
        await using var reader = await connection.CallAsync(() => batch.ExecuteReaderAsync(cancellation));
        while (await connection.CallAsync(() => reader.ReadAsync(cancellation))) yield return row(reader);
    }

    /// <summary>Reads the rest of a result.</summary>
    public static async Task<List<T>> ReadAllAsync<T>(
        this NpgsqlDataReader reader, Func<NpgsqlDataReader, T> row, CancellationToken cancellation)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation)) rows.Add(row(reader));
        return rows;
    }

    /// <summary>A statement of a batch.</summary>
    public static NpgsqlBatchCommand Command(string sql, params object?[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value ?? DBNull.Value });
        return command;
    }

    private static NpgsqlBatch Batch(NpgsqlConnection connection, IEnumerable<NpgsqlBatchCommand> commands)
    {
        var batch = new NpgsqlBatch(connection);
        foreach (var command in commands) batch.BatchCommands.Add(command);
        return batch;
    }

    private static StoreException? OfOpening(Exception failure) => OfClient(failure) switch
    {
        StoreUnansweredException => new StoreUnavailableException(
            Store.PostgreSql, $"There is no connection to PostgreSQL: {failure.GetBaseException().Message}", failure),
        var other => other,
    };

    // Once a connection has broken, Npgsql may report that one of its own objects is disposed, null or completed.
    private static StoreException? OfCall(Exception failure, NpgsqlConnection connection) =>
        OfClient(failure) ?? (failure is InvalidOperationException or NullReferenceException
            && !connection.FullState.HasFlag(ConnectionState.Open)
            ? Unanswered(failure)
            : null);

    private static StoreException? OfClient(Exception failure) => Translate(failure)
        ?? (failure is TimeoutException or IOException or SocketException ? Unanswered(failure) : null);

    private static StoreRejectedException Refusal(PostgresException refused)
    {
        var constraint = refused.ConstraintName is { Length: > 0 } name ? $" ({name})" : "";
        return new(
            Store.PostgreSql, refused.SqlState, refused.IsTransient || Unready.Contains(refused.SqlState),
            $"{refused.SqlState} {refused.MessageText}{constraint}", refused);
    }

    private static StoreUnansweredException? OfDisposed(Exception failure) =>
        failure is ObjectDisposedException ? Unanswered(failure) : null;

    private static StoreUnansweredException Unanswered(Exception failure) =>
        failure.GetBaseException() is TimeoutException
            ? new(Store.PostgreSql, "PostgreSQL did not answer in time.", failure)
            : new(
                Store.PostgreSql, $"The connection to PostgreSQL broke: {failure.GetBaseException().Message}", failure)
            {
                IsDisconnected = true,
            };
}
