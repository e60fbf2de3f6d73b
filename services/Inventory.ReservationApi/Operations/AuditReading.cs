using System.Text.Json;
using Inventory.Storage;
using Npgsql;

namespace Inventory.ReservationApi.Operations;

/// <summary>Reads the reconciliation worker's reports of its audits.</summary>
internal static class AuditReading
{
    /// <summary>
    /// The worker writes about once a second; after this time without a write it counts as unavailable.
    /// </summary>
    private const string LongestSilence = "interval '10 seconds'";

    private const string Run =
        """
        SELECT id, state, requested, dry_run, sku_id, requested_at, started_at, completed_at, phase, skus, holds,
            reservations, found, repaired, undecided, error, findings::text, explained
        FROM audit_runs
        """;

    private const string Finding =
        """
        SELECT kind, sku_id, subject, expected, actual, cause, evidence, repair, first_seen, repaired_at
        FROM audit_findings
        """;

    /// <summary>The worker's state; null when it has not written lately.</summary>
    internal static async Task<string?> ReadWorkerAsync(NpgsqlDataSource ledger, CancellationToken cancellation) =>
        (await ledger.ReadAsync(
            $"SELECT state FROM audit_worker WHERE seen_at > clock_timestamp() - {LongestSilence}",
            row => row.GetString(0), cancellation)).SingleOrDefault();

    /// <summary>Asks for a run.</summary>
    internal static async Task<long> RequestAsync(
        NpgsqlDataSource ledger, string? sku, bool dryRun, CancellationToken cancellation) =>
        (await ledger.ReadAsync(
            "INSERT INTO audit_runs (requested, dry_run, sku_id, state) VALUES (true, $1, $2, 'waiting') RETURNING id",
            row => row.GetInt64(0), cancellation, dryRun, sku ?? "")).Single();

    /// <summary>One run; null when no run has this number, or it has been deleted.</summary>
    internal static async Task<AuditRunView?> FindAsync(
        NpgsqlDataSource ledger, long id, CancellationToken cancellation) =>
        (await ledger.ReadAsync(Run + " WHERE id = $1", row => ToRun(row, true), cancellation, id)).SingleOrDefault();

    /// <summary>The last cycle over everything that was completed.</summary>
    internal static async Task<AuditRunView?> ReadLastCycleAsync(
        NpgsqlDataSource ledger, CancellationToken cancellation) =>
        (await ledger.ReadAsync(
            Run + " WHERE NOT requested AND state = 'completed' ORDER BY id DESC LIMIT 1",
            row => ToRun(row, false), cancellation)).SingleOrDefault();

    /// <summary>Runs that wait or are under way, at most a hundred.</summary>
    internal static Task<List<AuditRunView>> ReadOpenRunsAsync(
        NpgsqlDataSource ledger, CancellationToken cancellation) =>
        ledger.ReadAsync(
            Run + " WHERE state IN ('waiting', 'running') ORDER BY id LIMIT 100",
            row => ToRun(row, false), cancellation);

    /// <summary>Findings that are open, the oldest first.</summary>
    internal static Task<List<FindingView>> ReadOpenFindingsAsync(
        NpgsqlDataSource ledger, int limit, CancellationToken cancellation) =>
        ledger.ReadAsync(
            Finding + " WHERE gone_at IS NULL ORDER BY id LIMIT $1", ToFinding, cancellation, limit);

    /// <summary>Findings that were repaired, the latest first.</summary>
    internal static Task<List<FindingView>> ReadRepairsAsync(
        NpgsqlDataSource ledger, int limit, CancellationToken cancellation) =>
        ledger.ReadAsync(
            Finding + " WHERE repaired_at IS NOT NULL ORDER BY repaired_at DESC LIMIT $1", ToFinding,
            cancellation, limit);

    private static AuditRunView ToRun(NpgsqlDataReader row, bool withFindings) => new()
    {
        Id = row.GetInt64(0),
        State = row.GetString(1),
        Requested = row.GetBoolean(2),
        DryRun = row.GetBoolean(3),
        Sku = TextOrNull(row, 4),
        RequestedAt = row.GetFieldValue<DateTime>(5),
        StartedAt = TimeOrNull(row, 6),
        CompletedAt = TimeOrNull(row, 7),
        Phase = TextOrNull(row, 8),
        Skus = row.GetInt64(9),
        Holds = row.GetInt64(10),
        Reservations = row.GetInt64(11),
        Found = row.GetInt64(12),
        Repaired = row.GetInt64(13),
        Undecided = row.GetInt64(14),
        Explained = row.GetInt64(17),
        Error = TextOrNull(row, 15),
        Findings = withFindings ? Findings(row.GetString(16)) : null,
    };

    private static FindingView ToFinding(NpgsqlDataReader row) => new()
    {
        Kind = row.GetString(0),
        Sku = TextOrNull(row, 1),
        Subject = TextOrNull(row, 2),
        Expected = row.GetString(3),
        Actual = row.GetString(4),
        Cause = row.GetString(5),
        Evidence = row.GetString(6),
        Repair = TextOrNull(row, 7),
        FirstSeen = row.GetFieldValue<DateTime>(8),
        RepairedAt = TimeOrNull(row, 9),
    };

    private static List<FindingView> Findings(string json)
    {
        using var document = JsonDocument.Parse(json);
        return
        [
            .. document.RootElement.EnumerateArray().Select(finding => new FindingView
            {
                Kind = Text(finding, "kind")!,
                Sku = Text(finding, "sku"),
                Subject = Text(finding, "subject"),
                Expected = Text(finding, "expected")!,
                Actual = Text(finding, "actual")!,
                Cause = Text(finding, "cause")!,
                Evidence = Text(finding, "evidence")!,
                Repair = Text(finding, "repair"),
            }),
        ];
    }

    private static string? Text(JsonElement finding, string name) =>
        finding.TryGetProperty(name, out var value) && value.GetString() is { Length: > 0 } text ? text : null;

    private static string? TextOrNull(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) || row.GetString(column).Length == 0 ? null : row.GetString(column);

    private static DateTime? TimeOrNull(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetFieldValue<DateTime>(column);
}
