using Npgsql;

namespace Inventory.Ledger;

/// <summary>Decides which failures of a call to the ledger mean that PostgreSQL can't answer at the moment.</summary>
/// <remarks>
/// By design: workers wait for more failures than this. A worker has no caller to answer, and also waits for failures
/// that only an operator can fix.
/// </remarks>
public static class LedgerOutage
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
    /// Whether waiting can fix the failure: PostgreSQL is unavailable, ends sessions, lacks a resource, gave up because
    /// of another writer, or isn't migrated yet. The write may or may not have taken effect. Entity Framework wraps
    /// transient failures and failures of a save.
    /// </summary>
    /// <param name="failure">The failure of a call; null for none.</param>
    public static bool Explains(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            if (failure is (NpgsqlException and not PostgresException) or PostgresException { IsTransient: true }
                // When an idle connection breaks, Npgsql may report it as one of its own objects being disposed, null
                // or already completed.
                || (failure is InvalidOperationException or NullReferenceException && IsOfNpgsql(failure))
                || (failure is PostgresException refusal && Array.IndexOf(Unready, refusal.SqlState) >= 0))
            {
                return true;
            }
        }

        return false;
    }

    // The first stack frame outside of the framework shows which library threw the exception.
    private static bool IsOfNpgsql(Exception failure) =>
        failure.StackTrace?.Split('\n').FirstOrDefault(line => !line.Contains("at System.", StringComparison.Ordinal))
            ?.Contains("at Npgsql.", StringComparison.Ordinal) == true;
}
