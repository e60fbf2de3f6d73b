using Npgsql;

namespace Inventory.Ledger;

public sealed partial class Confirmations
{
    /// <summary>
    /// How long a decision is kept. It has to outlive the attempt it is about, which lives for some seconds; a day
    /// leaves room for a process that slept in the middle of one, on a laptop or a paused virtual machine.
    /// </summary>
    public static readonly TimeSpan DecisionRetention = TimeSpan.FromDays(1);

    private const string PruneDecisions =
        """
        DELETE FROM pin_decisions WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM pin_decisions WHERE at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
        """;

    /// <summary>Forgets decisions about attempts that ended long ago. Any number of instances may.</summary>
    /// <param name="retention">How old they must be.</param>
    /// <param name="most">Most of one call. Bounds its transaction.</param>
    /// <param name="cancellation">Ends the attempt, which then has forgotten nothing.</param>
    /// <returns>How many there were; fewer than <paramref name="most"/> when no more are left.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<int> PruneDecisionsAsync(TimeSpan retention, int most, CancellationToken cancellation)
    {
        await using var prune = source.CreateCommand(PruneDecisions);
        prune.Parameters.Add(new() { Value = retention });
        prune.Parameters.Add(new() { Value = most });
        return await prune.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }
}
