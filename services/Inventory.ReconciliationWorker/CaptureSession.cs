using Inventory.Contracts;
using Inventory.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Inventory.ReconciliationWorker;

/// <summary>PostgreSQL's current position.</summary>
/// <param name="Clock">Its clock, the only one that commit times may be compared with.</param>
/// <param name="Written">The end of its log.</param>
internal readonly record struct LedgerPosition(DateTimeOffset Clock, NpgsqlLogSequenceNumber Written);

/// <summary>
/// A session on PostgreSQL that makes its owner the only consumer of a slot, and that reads the levels of changed SKUs.
/// The lock belongs to the session: it ends when the process dies, or when its machine stops answering.
/// </summary>
/// <remarks>
/// A lock is used in addition to the slot's own exclusiveness, because each attempt to use an active slot is an error
/// in PostgreSQL's log.
/// </remarks>
internal sealed class CaptureSession : IAsyncDisposable
{
    /// <summary>
    /// The publication that the slot decodes. It belongs to the database, so its name is not configurable.
    /// </summary>
    public const string Publication = "inventory_changes";

    private const string Position = "SELECT clock_timestamp(), pg_current_wal_lsn()";

    // One statement sees one snapshot, so the limits belong to the version that is read with them.
    private const string Levels =
        """
        SELECT stock.sku_id, stock.total, stock.version, product.max_per_customer, product.paused
        FROM inventory stock JOIN products product USING (sku_id)
        WHERE stock.sku_id = ANY($1)
        """;

    private const string State =
        """
        SELECT current_setting('wal_level'),
            EXISTS (SELECT FROM pg_publication_tables WHERE pubname = $1 AND tablename = 'inventory'),
            slot.plugin, slot.database = current_database(), slot.active, slot.wal_status
        FROM (VALUES (1)) one LEFT JOIN pg_replication_slots slot ON slot.slot_name = $2
        """;

    private readonly NpgsqlConnection connection;
    private readonly string slot;

    private CaptureSession(NpgsqlConnection connection, string slot)
    {
        this.connection = connection;
        this.slot = slot;
    }

    /// <summary>Connects. The lock is not taken yet.</summary>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public static async Task<CaptureSession> OpenAsync(
        string connectionString, string slot, CancellationToken cancellation)
    {
        var connection = new NpgsqlConnection(CaptureConnection.ForSession(connectionString));
        try
        {
            await connection.ConnectAsync(cancellation);
            return new(connection, slot);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes the lock if it is free.</summary>
    public Task<bool> TryLockAsync(CancellationToken cancellation) =>
        AdvisoryLock.Named($"inventory-capture:{slot}")
            .TryTakeAsync(connection, Timeout.InfiniteTimeSpan, cancellation);

    /// <summary>Creates the publication and the slot if they are missing. Call it with the lock held.</summary>
    /// <returns>Whether the slot can be used, and whether it is new and so lacks earlier changes.</returns>
    /// <exception cref="CaptureRefusedException">
    /// PostgreSQL's settings, or another slot with this name, forbid it.
    /// </exception>
    public async Task<SlotState> PrepareAsync(CancellationToken cancellation)
    {
        var (published, exists, active, lost) = await ReadStateAsync(cancellation);
        if (active) return SlotState.Busy;
        if (exists && published && !lost) return SlotState.Ready;

        // The publication is created first. A slot decodes the past with the catalog of that time, so a slot that is
        // older than its publication fails on every change in between, for ever.
        if (exists) await ExecuteAsync("SELECT pg_drop_replication_slot($1)", cancellation, slot);
        if (!published)
        {
            await ExecuteAsync($"DROP PUBLICATION IF EXISTS {Publication}", cancellation);
            await ExecuteAsync(
                $"CREATE PUBLICATION {Publication} FOR TABLE inventory WITH (publish = 'insert, update')",
                cancellation);
        }

        await ExecuteAsync("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", cancellation, slot);
        return SlotState.New;
    }

    /// <summary>
    /// Reads PostgreSQL's current position. This also proves that the session, and so the lock, still exists.
    /// </summary>
    public async Task<LedgerPosition> ReadPositionAsync(CancellationToken cancellation) =>
        (await ReadAsync([], cancellation)).Position;

    /// <summary>
    /// Reads the current levels of some SKUs, which may be newer than the changes that were captured.
    /// </summary>
    public async Task<(LedgerPosition Position, List<StockLevel> Levels)> ReadAsync(
        string[] skus, CancellationToken cancellation)
    {
        List<NpgsqlBatchCommand> commands = [Sql.Command(Position)];
        if (skus.Length > 0) commands.Add(Sql.Command(Levels, (object)skus));
        return await connection.ReadAsync(
            commands,
            async reader =>
            {
                await reader.ReadAsync(cancellation);
                var position = new LedgerPosition(
                    reader.GetFieldValue<DateTimeOffset>(0), reader.GetFieldValue<NpgsqlLogSequenceNumber>(1));
                return await reader.NextResultAsync(cancellation)
                    ? (position, await reader.ReadAllAsync(ToLevel, cancellation))
                    : (position, []);
            },
            cancellation);
    }

    private static StockLevel ToLevel(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetInt32(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetInt32(3),
        row.GetBoolean(4));

    /// <summary>Releases the lock.</summary>
    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task<(bool Published, bool Exists, bool Active, bool Lost)> ReadStateAsync(
        CancellationToken cancellation)
    {
        return (await connection.ReadAsync(State, ToState, cancellation, Publication, slot)).Single();
    }

    private (bool Published, bool Exists, bool Active, bool Lost) ToState(NpgsqlDataReader reader)
    {
        if (reader.GetString(0) != "logical")
        {
            throw new CaptureRefusedException($"wal_level is {reader.GetString(0)} and must be logical.");
        }

        var exists = !reader.IsDBNull(2);
        if (exists && (reader.GetString(2) != "pgoutput" || !reader.GetBoolean(3)))
        {
            throw new CaptureRefusedException($"The slot {slot} is not ours: set Reconciliation:Slot to a free name.");
        }

        // A slot without a status has never reserved any log.
        var lost = exists && (reader.IsDBNull(5) || reader.GetString(5) == "lost");
        return (reader.GetBoolean(1), exists, exists && reader.GetBoolean(4), lost);
    }

    // The creation of a slot waits for every running transaction, however long those take.
    private Task<bool> ExecuteAsync(string sql, CancellationToken cancellation, params object[] arguments) =>
        connection.ReadAsync([Sql.Command(sql, arguments)], _ => Task.FromResult(true), cancellation, timeout: 0);
}

/// <summary>The state of a slot.</summary>
internal enum SlotState
{
    /// <summary>It exists and has every change since it was last used.</summary>
    Ready,

    /// <summary>It has just been created; a sweep has to find earlier changes.</summary>
    New,

    /// <summary>PostgreSQL hasn't noticed yet that its last consumer is gone.</summary>
    Busy,
}

/// <summary>PostgreSQL answers, but its setup doesn't allow change capture.</summary>
public sealed class CaptureRefusedException(string message) : Exception(message);
