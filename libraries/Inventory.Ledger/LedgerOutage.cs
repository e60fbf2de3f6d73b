using Npgsql;

namespace Inventory.Ledger;

/// <summary>Which failures of a call to the ledger mean that PostgreSQL can't answer at the moment.</summary>
/// <remarks>
/// Absent: what a worker may wait for. It has nobody to answer, and outlives every failure of PostgreSQL, also those
/// that only people can mend.
/// </remarks>
public static class LedgerOutage
{
    // Beside what Npgsql calls transient. Sessions that an operator or a crash has ended, 57P01 to 57P05, are among it.
    private static readonly string[] Unready =
    [
        // A host that hung for long comes back to a session, or a transaction, that PostgreSQL has ended.
        "25P03", "25P04",
        // The database and its tables are the reconciliation worker's to make, when it starts.
        PostgresErrorCodes.InvalidCatalogName, PostgresErrorCodes.UndefinedTable,
    ];

    /// <summary>
    /// Whether waiting cures it: PostgreSQL is away, ends sessions, is short of something, gave up because of another
    /// writer, or isn't migrated yet. What was being written may have been. Entity Framework wraps what it takes for
    /// transient, and what meets it while it saves.
    /// </summary>
    /// <param name="failure">What a call ended with; null is none.</param>
    public static bool Explains(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            if (failure is (NpgsqlException and not PostgresException) or PostgresException { IsTransient: true }
                // Npgsql's words for a connection that broke while nobody read from it: what is disposed, gone, or
                // completed without having been, is its own.
                || (failure is InvalidOperationException or NullReferenceException && IsOfNpgsql(failure))
                || (failure is PostgresException refusal && Array.IndexOf(Unready, refusal.SqlState) >= 0))
            {
                return true;
            }
        }

        return false;
    }

    // The first line that isn't the framework's says who threw it.
    private static bool IsOfNpgsql(Exception failure) =>
        failure.StackTrace?.Split('\n').FirstOrDefault(line => !line.Contains("at System.", StringComparison.Ordinal))
            ?.Contains("at Npgsql.", StringComparison.Ordinal) == true;
}
