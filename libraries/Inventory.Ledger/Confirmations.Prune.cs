using Npgsql;

namespace Inventory.Ledger;

public sealed partial class Confirmations
{
    /// <summary>
    /// How long a decision is kept. It must outlive its attempt, which takes seconds. A day also covers a process that
    /// was suspended during an attempt, on a laptop or a paused virtual machine.
    /// </summary>
    public static readonly TimeSpan DecisionRetention = TimeSpan.FromDays(1);

    private const string PruneDecisions =
        """
        DELETE FROM pin_decisions WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM pin_decisions WHERE at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
        """;

    /// <summary>Deletes decisions about attempts that ended long ago. Any number of instances may call it.</summary>
    /// <param name="retention">Minimum age of the deleted decisions.</param>
    /// <param name="most">Maximum number deleted by one call. Limits its transaction.</param>
    /// <param name="cancellation">Cancels the call; a cancelled call deletes nothing.</param>
    /// <returns>The number of deleted decisions; fewer than <paramref name="most"/> when none are left.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<int> PruneDecisionsAsync(TimeSpan retention, int most, CancellationToken cancellation)
    {
        await using var prune = source.CreateCommand(PruneDecisions);
        prune.Parameters.Add(new() { Value = retention });
        prune.Parameters.Add(new() { Value = most });
        return await prune.ExecuteNonQueryAsync(cancellation);
    }
}
