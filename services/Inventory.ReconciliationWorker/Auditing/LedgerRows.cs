using Npgsql;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>A statement's rows as a list, for pages, which are short.</summary>
internal static class LedgerRows
{
    /// <summary>Runs one statement, and so sees one moment.</summary>
    /// <param name="source">Where the ledger is.</param>
    /// <param name="sql">The statement, its parameters as <c>$1</c> and so on.</param>
    /// <param name="row">Makes a row what the caller wants.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <param name="values">The parameters, in their order.</param>
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
