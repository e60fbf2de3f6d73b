using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Inventory.Load.Rivals;

/// <summary>
/// The designs of <see cref="PostgresRivals"/> run by pgbench, on one hot SKU and without HTTP: the upper limit of
/// PostgreSQL for any server in front of it.
/// </summary>
internal static class PgBench
{
    private const string InsertHold = """
        INSERT INTO rival_holds VALUES (
            gen_random_uuid(), 'hot', 'user-' || :customer, 1, now() + interval '10 minutes')
        """;

    /// <summary>The pgbench script of each design.</summary>
    public static IReadOnlyDictionary<string, string> Scripts { get; } = new Dictionary<string, string>
    {
        ["SELECT FOR UPDATE"] = $"""
            \set customer random(1, 1000000000)
            BEGIN;
            SELECT total - reserved FROM rival_stock WHERE sku = 'hot' FOR UPDATE;
            UPDATE rival_stock SET reserved = reserved + 1 WHERE sku = 'hot';
            {InsertHold};
            COMMIT;
            """,
        ["conditional UPDATE"] = $"""
            \set customer random(1, 1000000000)
            WITH taken AS (
                UPDATE rival_stock SET reserved = reserved + 1
                WHERE sku = 'hot' AND total - reserved >= 1 RETURNING 1)
            {InsertHold.Replace("VALUES (", "SELECT", StringComparison.Ordinal)[..^1]} FROM taken;
            """,
    };

    /// <summary>Runs one of <see cref="Scripts"/> with prepared statements.</summary>
    /// <param name="connection">How Npgsql connects to the rivals' database.</param>
    /// <param name="script">The text of the script.</param>
    /// <param name="connections">Sessions, each with one transaction under way.</param>
    /// <param name="duration">Whole seconds.</param>
    /// <param name="stop">Cancels the run.</param>
    /// <returns>Transactions a second.</returns>
    /// <exception cref="InvalidOperationException">pgbench failed, or its output has no figures.</exception>
    public static async Task<double> RunAsync(
        string connection, string script, int connections, TimeSpan duration, CancellationToken stop)
    {
        var server = new NpgsqlConnectionStringBuilder(connection);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, script, stop);
            var start = new ProcessStartInfo("pgbench",
            [
                "--no-vacuum", $"--client={connections}", "--jobs=1", $"--time={(int)duration.TotalSeconds}",
                "--protocol=prepared", $"--file={file}", $"--host={server.Host}", $"--port={server.Port}",
                $"--username={server.Username}", server.Database!,
            ]);
            start.Environment["PGPASSWORD"] = server.Password;
            var output = await Commands.OutputAsync(start, stop);
            var rate = output.Split('\n').FirstOrDefault(line => line.StartsWith("tps = ", StringComparison.Ordinal))
                ?? throw new InvalidOperationException($"pgbench said:\n{output}");
            return double.Parse(rate.Split(' ')[2], CultureInfo.InvariantCulture);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
