using Npgsql;

namespace Inventory.Testing;

/// <summary>Plain SQL without EF Core, as an ERP would send it.</summary>
public static class PlainSql
{
    public static async Task<int> ExecuteAsync(this NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>
    /// The first value of the first row. No row and NULL are null; for a type without null they are an error.
    /// </summary>
    public static async Task<T> ReadAsync<T>(this NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync() is var found and not DBNull ? (T)found! : (T)(object?)null!;
    }
}
