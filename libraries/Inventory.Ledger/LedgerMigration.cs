using System.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>Migrates the database to the schema of this build, at the start of a service.</summary>
/// <remarks>
/// Several instances may migrate at once: a lock lets one of them work, and the others wait and find nothing to do. EF
/// Core's own lock is not enough: it is released between two migrations, where a waiting instance would run the next
/// one. Each migration is one transaction, so a crashed instance leaves a complete schema.
/// By design: no downgrade. A service only migrates forward; only a developer undoes a migration, on their own
/// database.
/// </remarks>
public sealed partial class LedgerMigration(
    LedgerContext context, TimeProvider time, ILogger<LedgerMigration> log)
{
    /// <summary>
    /// How long to wait for PostgreSQL to answer. A minute covers the creation of a new cluster and the recovery after
    /// a crash. If the database is down for longer, it is not starting up, and the host should know it.
    /// </summary>
    public static TimeSpan StartupPatience { get; } = TimeSpan.FromMinutes(1);

    /// <summary>The number of the lock; any number that is not used elsewhere in this database.</summary>
    private const long LockKey = 0x696E76656E746F72;

    /// <summary>
    /// The pause between two attempts: short enough for a quick local start, long enough to cause no load.
    /// </summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Creates the database if it is missing, and applies the migrations that it lacks.</summary>
    /// <param name="patience">How long to retry failures of a server that is starting up.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="Exception">
    /// The last failure when <paramref name="patience"/> is over, or the first failure that waiting can't fix.
    /// </exception>
    public async Task ApplyAsync(TimeSpan patience, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await MigrateAloneAsync(cancellation);
                return;
            }
            catch (Exception e) when (IsCuredByWaiting(e) && time.GetElapsedTime(start) < patience)
            {
                NotReady(log, attempt, e.GetBaseException().Message);
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private async Task MigrateAloneAsync(CancellationToken cancellation)
    {
        var database = context.GetService<IRelationalDatabaseCreator>();
        if (!await database.ExistsAsync(cancellation))
        {
            await database.CreateAsync(cancellation);
        }

        await context.Database.OpenConnectionAsync(cancellation);
        try
        {
            await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_lock({LockKey})", cancellation);
            // Without it, the first migration begins with a query that fails, and both logs show the failure.
            await context.GetService<IHistoryRepository>().CreateIfNotExistsAsync(cancellation);
            await context.Database.MigrateAsync(cancellation);
        }
        finally
        {
            // A connection returns to its pool with its locks. A broken connection has lost them.
            if (context.Database.GetDbConnection().State == ConnectionState.Open)
            {
                await context.Database.ExecuteSqlRawAsync("SELECT pg_advisory_unlock_all()", CancellationToken.None);
            }

            await context.Database.CloseConnectionAsync();
        }
    }

    private static bool IsCuredByWaiting(Exception failure)
    {
        // An execution strategy may have wrapped the failure.
        for (var e = failure; e is not null; e = e.InnerException!)
        {
            if (e is NpgsqlException { IsTransient: true } || IsRaceForDatabase(e as PostgresException))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// EF Core's lock can't cover the creation of the database. The second instance gets an error that the database
    /// exists, that its template is in use, or that the catalog's unique index is violated.
    /// </summary>
    private static bool IsRaceForDatabase(PostgresException? failure) => failure?.SqlState switch
    {
        PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.ObjectInUse => true,
        PostgresErrorCodes.UniqueViolation => failure.ConstraintName == "pg_database_datname_index",
        _ => false,
    };

    [LoggerMessage(
        1, LogLevel.Warning, "PostgreSQL is not ready for migrations (attempt {Attempt}): {Reason}")]
    private static partial void NotReady(ILogger log, int attempt, string reason);
}
