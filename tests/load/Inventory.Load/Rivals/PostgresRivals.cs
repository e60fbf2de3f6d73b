using Npgsql;

namespace Inventory.Load.Rivals;

/// <summary>
/// Reservations in PostgreSQL alone, tuned as far as possible: prepared statements, as few round trips as each design
/// allows, and a holds table with no index but its primary key.
/// </summary>
/// <param name="source">Connections to the rivals' database.</param>
internal sealed class PostgresRivals(NpgsqlDataSource source) : IAsyncDisposable
{
    private const string InsertHold = "INSERT INTO rival_holds VALUES ($1, $2, $3, $4, $5)";

    /// <summary>The tables, with one SKU named hot and 10,000 named many-1, many-2 and so on.</summary>
    public const string Schema = """
        DROP TABLE IF EXISTS rival_stock, rival_holds, rival_inventory, rival_orders, rival_lines, rival_movements;
        CREATE TABLE rival_stock (sku text PRIMARY KEY, total int NOT NULL, reserved int NOT NULL DEFAULT 0);
        CREATE TABLE rival_holds (id uuid PRIMARY KEY, sku text NOT NULL, customer text NOT NULL,
            quantity int NOT NULL, expires_at timestamptz NOT NULL);
        CREATE TABLE rival_inventory (sku text PRIMARY KEY, total int NOT NULL CHECK (total >= 0));
        CREATE TABLE rival_orders (id uuid PRIMARY KEY, customer text NOT NULL, created_at timestamptz NOT NULL);
        CREATE TABLE rival_lines (order_id uuid NOT NULL, sku text NOT NULL, quantity int NOT NULL,
            PRIMARY KEY (order_id, sku));
        CREATE TABLE rival_movements (id bigserial PRIMARY KEY, sku text NOT NULL, quantity int NOT NULL,
            total_after int NOT NULL, reference uuid NOT NULL);
        INSERT INTO rival_stock SELECT 'many-' || n, 100000000 FROM generate_series(1, 10000) n;
        INSERT INTO rival_stock VALUES ('hot', 100000000);
        INSERT INTO rival_inventory VALUES ('hot', 100000000);
        """;

    /// <summary>The textbook design: SELECT FOR UPDATE, a check, UPDATE and INSERT.</summary>
    /// <returns>Units left; null when there are not enough.</returns>
    public async ValueTask<int?> LockRowAsync(Hold hold)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var look = new NpgsqlCommand(
            "SELECT total - reserved FROM rival_stock WHERE sku = $1 FOR UPDATE", connection, transaction);
        look.Parameters.Add(new() { Value = hold.Sku });
        if (await look.ExecuteScalarAsync() is not int available || available < hold.Quantity) return null;

        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(Command(
            "UPDATE rival_stock SET reserved = reserved + $2 WHERE sku = $1", hold.Sku, hold.Quantity));
        batch.BatchCommands.Add(Insert(hold));
        await batch.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
        return available - hold.Quantity;
    }

    /// <summary>The best known design: a conditional UPDATE and the INSERT in one statement.</summary>
    /// <returns>Units left; null when there are not enough.</returns>
    public async ValueTask<int?> UpdateIfEnoughAsync(Hold hold)
    {
        await using var command = source.CreateCommand(
            """
            WITH taken AS (
                UPDATE rival_stock SET reserved = reserved + $4
                WHERE sku = $2 AND total - reserved >= $4 RETURNING total - reserved AS available),
            placed AS (INSERT INTO rival_holds SELECT $1, $2, $3, $4, $5 FROM taken)
            SELECT available FROM taken
            """);
        foreach (var value in Values(hold)) command.Parameters.Add(new() { Value = value });
        return (int?)await command.ExecuteScalarAsync();
    }

    /// <summary>The writes of one confirm, in a separate transaction and one round trip.</summary>
    /// <returns>The total that is left.</returns>
    public async ValueTask<int?> OrderAsync(Hold hold)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Command(
            "INSERT INTO rival_orders VALUES ($1, $2, now())", hold.Id, hold.Customer));
        batch.BatchCommands.Add(Command(
            "INSERT INTO rival_lines VALUES ($1, $2, $3)", hold.Id, hold.Sku, hold.Quantity));
        batch.BatchCommands.Add(Command(
            """
            WITH taken AS (UPDATE rival_inventory SET total = total - $2 WHERE sku = $1 RETURNING total)
            INSERT INTO rival_movements (sku, quantity, total_after, reference)
            SELECT $1, -$2, total, $3 FROM taken RETURNING total_after
            """, hold.Sku, hold.Quantity, hold.Id));
        return (int?)await batch.ExecuteScalarAsync();
    }

    /// <summary>Closes its connections.</summary>
    public ValueTask DisposeAsync() => source.DisposeAsync();

    private static object[] Values(Hold hold) => [hold.Id, hold.Sku, hold.Customer, hold.Quantity, hold.ExpiresAt];

    private static NpgsqlBatchCommand Insert(Hold hold) => Command(InsertHold, Values(hold));

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command;
    }
}
