using System.Text.Json;
using System.Text.Json.Serialization;
using Inventory.Storage;
using Npgsql;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>Stores the audit's runs, findings and heartbeat, for operators.</summary>
public sealed class AuditBook(NpgsqlDataSource source)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Takes the oldest requested run; null when there is none.</summary>
    public async Task<AuditRun?> TakeRequestAsync(CancellationToken cancellation)
    {
        var runs = await source.ReadAsync(
            """
            UPDATE audit_runs SET state = 'running', started_at = now()
            WHERE id = (SELECT id FROM audit_runs WHERE state = 'waiting' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, sku_id, dry_run
            """,
            row => new AuditRun(
                row.GetInt64(0), row.GetString(1), Requested: true, row.GetBoolean(2), Repairs: !row.GetBoolean(2)),
            cancellation);
        return runs.SingleOrDefault();
    }

    /// <summary>Starts a run of the regular cycle.</summary>
    /// <param name="repairs">Whether it repairs.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task<AuditRun> BeginCycleAsync(bool repairs, CancellationToken cancellation)
    {
        var id = (long)(await source.ReadValueAsync(
            """
            INSERT INTO audit_runs (requested, dry_run, state, started_at) VALUES (false, false, 'running', now())
            RETURNING id
            """,
            cancellation))!;
        return new(id, "", Requested: false, DryRun: false, repairs);
    }

    /// <summary>Stores a run's progress or its end.</summary>
    /// <param name="run">The run.</param>
    /// <param name="state">running, completed or failed.</param>
    /// <param name="error">The failure's message.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task WriteAsync(AuditRun run, string state, string? error, CancellationToken cancellation)
    {
        await source.ExecuteAsync(
            """
            UPDATE audit_runs
            SET state = $2, completed_at = CASE WHEN $2 = 'running' THEN NULL ELSE now() END, error = $3,
                phase = $4, skus = $5, holds = $6, reservations = $7, found = $8, repaired = $9, undecided = $10,
                findings = $11::jsonb, explained = $12
            WHERE id = $1
            """,
            cancellation, run.Id, state, error, run.Phase, run.Skus, run.Holds, run.Reservations,
            run.Found, run.Repaired, run.Undecided, JsonSerializer.Serialize(run.Findings, Json),
            run.Explained);
    }

    /// <summary>Stores a finding.</summary>
    /// <returns>Its id, and whether it is new.</returns>
    public async Task<(long Id, bool IsNew)> RememberAsync(
        AuditRun run, Finding finding, CancellationToken cancellation)
    {
        return (await source.ReadAsync(
            """
            INSERT INTO audit_findings
                (kind, sku_id, subject, expected, actual, cause, evidence, first_run, last_run)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
            ON CONFLICT (kind, sku_id, subject) WHERE gone_at IS NULL DO UPDATE
            SET expected = $4, actual = $5, cause = $6, evidence = $7, last_run = $8, last_seen = now()
            RETURNING id, xmax = 0
            """,
            row => (row.GetInt64(0), row.GetBoolean(1)), cancellation,
            finding.Kind.ToString(), finding.Sku, finding.Subject, finding.Expected, finding.Actual, finding.Cause,
            finding.Evidence, run.Id)).Single();
    }

    /// <summary>Stores the repair of a finding.</summary>
    public async Task RepairedAsync(long finding, Repaired repair, CancellationToken cancellation)
    {
        await source.ExecuteAsync(
            """
            UPDATE audit_findings
            SET repair = $2, repaired_at = now(), gone_at = CASE WHEN $3 THEN now() ELSE NULL END WHERE id = $1
            """,
            cancellation, finding, repair.Words, repair.Resolved);
    }

    /// <summary>Closes findings that a completed run no longer found.</summary>
    /// <returns>The closed findings.</returns>
    public Task<List<(string Kind, string Sku, string Subject)>> CloseAsync(
        AuditRun run, CancellationToken cancellation) => source.ReadAsync(
        """
        UPDATE audit_findings SET gone_at = now()
        WHERE gone_at IS NULL AND last_run < $1 AND ($2 = '' OR sku_id = $2)
          AND ($2 = ''
            OR kind NOT IN ('CustomerUnits', 'UnknownToLedger', 'OrderMissing', 'Deadline', 'Unreadable'))
          AND kind NOT IN ('BoughtUnits', 'OrderMovements')
        RETURNING kind, sku_id, subject
        """,
        ToGone, cancellation, run.Id, run.Sku);

    /// <summary>Closes findings of one kind that a complete pass no longer found.</summary>
    /// <param name="kind">The kind of finding.</param>
    /// <param name="firstRun">The run that began the pass.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <returns>The closed findings.</returns>
    public Task<List<(string Kind, string Sku, string Subject)>> CloseAsync(
        FindingKind kind, long firstRun, CancellationToken cancellation) => source.ReadAsync(
        """
        UPDATE audit_findings SET gone_at = now() WHERE gone_at IS NULL AND kind = $1 AND last_run < $2
        RETURNING kind, sku_id, subject
        """,
        ToGone, cancellation, kind.ToString(), firstRun);

    /// <summary>Reservations with an open finding of a missing order, at most a thousand.</summary>
    public Task<List<Guid>> ReadMissingOrdersAsync(CancellationToken cancellation) => source.ReadAsync(
        """
        SELECT subject::uuid FROM audit_findings WHERE kind = 'OrderMissing' AND gone_at IS NULL
        ORDER BY id LIMIT 1000
        """,
        row => row.GetGuid(0), cancellation);

    /// <summary>Stores the audit's heartbeat.</summary>
    /// <param name="state">What the audit is doing, in a few words.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task SeenAsync(string state, CancellationToken cancellation)
    {
        await source.ExecuteAsync(
            """
            INSERT INTO audit_worker (seen_at, state) VALUES (clock_timestamp(), $1)
            ON CONFLICT (one) DO UPDATE SET seen_at = clock_timestamp(), state = $1
            """,
            cancellation, state);
    }

    /// <summary>Marks runs as failed that were left running by an instance that was killed.</summary>
    public async Task AbandonAsync(CancellationToken cancellation)
    {
        await source.ExecuteAsync(
            """
            UPDATE audit_runs SET state = 'failed', completed_at = now(), error = 'The worker stopped.'
            WHERE state = 'running'
            """,
            cancellation);
    }

    /// <summary>Deletes old runs, and findings that were closed long ago.</summary>
    public async Task PruneAsync(int runs, TimeSpan findings, CancellationToken cancellation)
    {
        await source.ExecuteAsync(
            """
            DELETE FROM audit_runs WHERE state IN ('completed', 'failed')
              AND id <= (SELECT id FROM audit_runs ORDER BY id DESC OFFSET $1 LIMIT 1)
            """,
            cancellation, runs);
        await source.ExecuteAsync(
            "DELETE FROM audit_findings WHERE gone_at < now() - $1::interval", cancellation, findings);
    }

    private static (string Kind, string Sku, string Subject) ToGone(NpgsqlDataReader row) =>
        (row.GetString(0), row.GetString(1), row.GetString(2));
}
