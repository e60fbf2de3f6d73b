using Npgsql;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Reads the rows of a statement into a list, for short pages.</summary>
internal static class LedgerRows
{
    /// <summary>Runs one statement, which sees one snapshot.</summary>
    /// <param name="source">The ledger.</param>
    /// <param name="sql">The statement, its parameters as <c>$1</c> and so on.</param>
    /// <param name="row">Converts a row.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <param name="values">The parameters, in order.</param>
    internal static async Task<List<T>> ReadAsync<T>(
        this NpgsqlDataSource source,
        string sql,
        Func<NpgsqlDataReader, T> row,
        CancellationToken cancellation,
        params object[] values)
    {
        await using var command = source.CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation)) rows.Add(row(reader));
        return rows;
    }
}
