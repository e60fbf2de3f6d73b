using System.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>Brings the database to the schema of this build, at the start of a service.</summary>
/// <remarks>
/// Any number of instances may do so at once: a lock lets one of them migrate, and the others wait and find nothing to
/// do. EF Core's own lock is given up between two migrations, where an instance that waited takes the next one for its
/// own. Each migration is one transaction: an instance that is killed leaves a whole schema.
/// Absent: going back. A service only migrates forward; undoing a migration is a developer's act on their own database.
/// </remarks>
public sealed partial class LedgerMigration(
    LedgerContext context, TimeProvider time, ILogger<LedgerMigration> log)
{
    /// <summary>
    /// How long PostgreSQL may take to answer: a minute covers the making of a new cluster and the recovery of a
    /// crashed one. A database that is down for longer is not starting up, and the host is better off knowing.
    /// </summary>
    public static TimeSpan StartupPatience { get; } = TimeSpan.FromMinutes(1);

    /// <summary>The number of the lock: any that nobody else uses in this database.</summary>
    private const long LockKey = 0x696E76656E746F72;

    /// <summary>
    /// Between two attempts: short enough that a local run starts at once, long enough to disturb nobody.
    /// </summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Creates the database if it is missing, and applies the migrations that it lacks.</summary>
    /// <param name="patience">For how long failures are retried that a server which starts up explains.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="Exception">
    /// The last failure when <paramref name="patience"/> is over, or the first one that waiting can't cure.
    /// </exception>
    public async Task ApplyAsync(TimeSpan patience, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await MigrateAloneAsync(cancellation).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (IsCuredByWaiting(e) && time.GetElapsedTime(start) < patience)
            {
                NotReady(log, attempt, e.GetBaseException().Message);
            }

            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task MigrateAloneAsync(CancellationToken cancellation)
    {
        var database = context.GetService<IRelationalDatabaseCreator>();
        if (!await database.ExistsAsync(cancellation).ConfigureAwait(false))
        {
            await database.CreateAsync(cancellation).ConfigureAwait(false);
        }

        await context.Database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        try
        {
            await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_lock({LockKey})", cancellation)
                .ConfigureAwait(false);
            // Otherwise the first migration begins with a query that fails, and both logs show it.
            await context.GetService<IHistoryRepository>().CreateIfNotExistsAsync(cancellation).ConfigureAwait(false);
            await context.Database.MigrateAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            // A connection goes back to its pool with its locks. One that broke has lost them.
            if (context.Database.GetDbConnection().State == ConnectionState.Open)
            {
                await context.Database.ExecuteSqlRawAsync("SELECT pg_advisory_unlock_all()", CancellationToken.None)
                    .ConfigureAwait(false);
            }

            await context.Database.CloseConnectionAsync().ConfigureAwait(false);
        }
    }

    private static bool IsCuredByWaiting(Exception failure)
    {
        // An execution strategy may have wrapped what happened.
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
    /// Creating the missing database is the one step that EF Core's lock can't cover. Whoever comes second hears that
    /// the database exists, that its template is in use, or meets the catalogue's own unique index.
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
