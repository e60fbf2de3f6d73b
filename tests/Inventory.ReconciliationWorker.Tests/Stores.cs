using System.Globalization;
using Inventory.Stock;
using Inventory.Testing;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.ReconciliationWorker.Tests;

/// <summary>A PostgreSQL and a Redis server, not shared, because slots and crashes affect a whole server.</summary>
public sealed class Stores : IAsyncLifetime, IAsyncDisposable
{
    private readonly string[] settings;
    private ConnectionMultiplexer? connection;
    private NpgsqlDataSource? ledger;
    private static int names;

    public Stores() : this([])
    {
    }

    internal Stores(params string[] settings) => this.settings = settings;

    public PostgresServer Postgres { get; private set; } = null!;

    public RedisServer Redis { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Postgres = await PostgresServer.StartAsync(settings);
        Redis = await RedisServer.StartAsync(RedisPersistence.Written);
        ledger = NpgsqlDataSource.Create(Postgres.ConnectionString);
        connection = await ConnectionMultiplexer.ConnectAsync($"{Redis.ConnectionString},abortConnect=false");
    }

    public async Task DisposeAsync()
    {
        if (connection is not null) await connection.DisposeAsync();
        if (ledger is not null) await ledger.DisposeAsync();
        await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>After a restart of PostgreSQL, pooled connections are broken.</summary>
    public void ForgetConnections() => ledger!.Clear();

    /// <summary>Changes a setting of the running server.</summary>
    public async Task SetAsync(string name, string value)
    {
        await ExecuteAsync($"ALTER SYSTEM SET {name} = '{value}'");
        await ExecuteAsync("SELECT pg_reload_conf()");
        await Eventually.TrueAsync(() => ReadAsync<bool>($"SELECT current_setting('{name}') = '{value}'"));
    }

    /// <summary>A product that no other test uses.</summary>
    public async Task<string> SkuAsync(int total)
    {
        var sku = $"sku-{Interlocked.Increment(ref names)}";
        await ExecuteAsync($"INSERT INTO products (sku_id, name) VALUES ('{sku}', 'Something')");
        await ExecuteAsync($"INSERT INTO inventory (sku_id, total) VALUES ('{sku}', {total})");
        await InRedisAsync(sku, total);
        return sku;
    }

    /// <summary>Plain SQL, as an ERP would send it.</summary>
    public Task<int> ExecuteAsync(string sql) => ledger!.ExecuteAsync(sql);

    public Task<T> ReadAsync<T>(string sql) => ledger!.ReadAsync<T>(sql);

    public async Task<string?> FieldAsync(string sku, string field) =>
        await connection!.GetDatabase().HashGetAsync($"{{inv:0}}:stock:{sku}", field);

    /// <summary>A hold as the materializer stores it.</summary>
    public async Task<Guid> HoldRowAsync(
        string sku, int quantity, string status, DateTimeOffset deadline, int sequence, string holder = "u:holder",
        Guid? id = null, int partition = 0)
    {
        id ??= Guid.NewGuid();
        await ExecuteAsync(
            $$"""
            INSERT INTO reservations
                (reservation_id, partition, holder, status, deadline, lines, sequence, created_at, updated_at)
            VALUES ('{{id}}', {{partition}}, '{{holder}}', '{{status}}', '{{deadline:O}}',
                '[{"sku": "{{sku}}", "quantity": {{quantity}}}]', {{sequence}}, now(), now())
            """);
        return id.Value;
    }

    /// <summary>
    /// Runs statements that write rows as they were before a constraint. Rows that break it stay; new ones are refused.
    /// </summary>
    public async Task BeforeCheckAsync(string table, string constraint, params string[] statements)
    {
        var rule = await ReadAsync<string>(
            $"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{constraint}'");
        await ExecuteAsync($"ALTER TABLE {table} DROP CONSTRAINT {constraint}");
        foreach (var statement in statements) await ExecuteAsync(statement);
        var notValid = rule.EndsWith(" NOT VALID", StringComparison.Ordinal) ? "" : " NOT VALID";
        await ExecuteAsync($"ALTER TABLE {table} ADD CONSTRAINT {constraint} {rule}{notValid}");
    }

    /// <summary>An order as a confirm writes it.</summary>
    public async Task OrderAsync(Guid reservation, string sku, int quantity, string holder)
    {
        var order = Guid.NewGuid();
        await ExecuteAsync(
            $"""
            INSERT INTO orders (id, reservation_id, holder, customer_id, status, confirmed_at)
            VALUES ('{order}', '{reservation}', '{holder}', '{holder[2..]}', 'CONFIRMED', now());
            INSERT INTO order_items (order_id, sku_id, quantity) VALUES ('{order}', '{sku}', {quantity})
            """);
    }

    /// <summary>Writes the position of the materializer when it has stored up to an event.</summary>
    public Task<int> StoredAsync(string id) => ExecuteAsync(
        $"""
        INSERT INTO stream_positions (partition, stream_id) VALUES (0, '{id}')
        ON CONFLICT (partition) DO UPDATE SET stream_id = excluded.stream_id
        """);

    /// <summary>Locks a table until it is disposed of, which keeps a rebuild from completing.</summary>
    /// <param name="table">Its name, and the mode if it isn't to be locked for readers.</param>
    public async Task<NpgsqlTransaction> LockAsync(string table)
    {
        var connection = await ledger!.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand($"LOCK TABLE {table}", connection, transaction);
        await command.ExecuteNonQueryAsync();
        return transaction;
    }

    /// <summary>Waits until a statement waits for a lock.</summary>
    public Task UntilLockedOutAsync(string statement) => Eventually.TrueAsync(() => ReadAsync<bool>(
        $"""
        SELECT count(*) > 0 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '{statement}' AND pid <> pg_backend_pid()
        """));

    /// <summary>Ends the lease of every confirming hold by a score in the past.</summary>
    public async Task EndLeasesAsync()
    {
        foreach (var id in await connection!.GetDatabase().SortedSetRangeByRankAsync("{inv:0}:leases"))
        {
            await connection.GetDatabase().SortedSetAddAsync("{inv:0}:leases", id, 1, SortedSetWhen.Exists);
        }
    }

    /// <summary>Removes from Redis how a reservation ended, as the end of its retention would.</summary>
    public Task ForgetEndAsync(Guid id) =>
        connection!.GetDatabase().KeyDeleteAsync($"{{inv:0}}:ended:{ReservationKey.Of(id)}");

    /// <summary>Waits until Redis has a total.</summary>
    public Task InRedisAsync(string sku, int total) =>
        Eventually.EqualAsync(total.ToString(CultureInfo.InvariantCulture), () => FieldAsync(sku, "total"));

    /// <summary>Drops the worker's slot, even while it is in use.</summary>
    public Task DropSlotAsync() => Eventually.TrueAsync(
        async () =>
        {
            await ExecuteAsync("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active");
            await ExecuteAsync("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
            return true;
        },
        isTransient: e => e is PostgresException { SqlState: PostgresErrorCodes.ObjectInUse });

    /// <summary>Starts a service as it is shipped, in a process that a test may kill.</summary>
    public Task<ServiceProcess> StartProcessAsync(string project, params (string Name, string Value)[] settings) =>
        ServiceProcess.StartAsync(
            project,
            [
                ("ConnectionStrings:redis", Redis.ConnectionString),
                ("ConnectionStrings:ledger", Postgres.ConnectionString),
                .. settings,
            ]);
}
