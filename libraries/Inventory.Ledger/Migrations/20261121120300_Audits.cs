using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>
    /// What audits have been asked for, how far they are, and what they found. Plain SQL and no entities: these tables
    /// are the audit's notebook and no part of the system of record.
    /// </summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261121120300_Audits")]
    public sealed class Audits : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            ArgumentNullException.ThrowIfNull(migrationBuilder);
            migrationBuilder.Sql(
                """
                CREATE TABLE audit_runs (
                    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_audit_runs PRIMARY KEY,
                    requested boolean NOT NULL,
                    dry_run boolean NOT NULL,
                    sku_id text COLLATE "C" NOT NULL DEFAULT '',
                    state text NOT NULL CONSTRAINT ck_audit_runs_state
                        CHECK (state IN ('waiting', 'running', 'completed', 'failed')),
                    requested_at timestamptz NOT NULL DEFAULT now(),
                    started_at timestamptz,
                    completed_at timestamptz,
                    phase text NOT NULL DEFAULT '',
                    skus bigint NOT NULL DEFAULT 0,
                    holds bigint NOT NULL DEFAULT 0,
                    reservations bigint NOT NULL DEFAULT 0,
                    found bigint NOT NULL DEFAULT 0,
                    repaired bigint NOT NULL DEFAULT 0,
                    undecided bigint NOT NULL DEFAULT 0,
                    explained bigint NOT NULL DEFAULT 0,
                    error text,
                    findings jsonb NOT NULL DEFAULT '[]'
                );
                CREATE INDEX ix_audit_runs_open ON audit_runs (id) WHERE state IN ('waiting', 'running');

                CREATE TABLE audit_findings (
                    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_audit_findings PRIMARY KEY,
                    kind text NOT NULL,
                    sku_id text COLLATE "C" NOT NULL,
                    subject text NOT NULL,
                    expected text NOT NULL,
                    actual text NOT NULL,
                    cause text NOT NULL,
                    evidence text NOT NULL,
                    first_run bigint NOT NULL,
                    last_run bigint NOT NULL,
                    first_seen timestamptz NOT NULL DEFAULT now(),
                    last_seen timestamptz NOT NULL DEFAULT now(),
                    repair text,
                    repaired_at timestamptz,
                    gone_at timestamptz
                );
                CREATE UNIQUE INDEX ix_audit_findings_open ON audit_findings (kind, sku_id, subject)
                    WHERE gone_at IS NULL;
                CREATE INDEX ix_audit_findings_repaired_at ON audit_findings (repaired_at)
                    WHERE repaired_at IS NOT NULL;
                CREATE INDEX ix_audit_findings_gone_at ON audit_findings (gone_at) WHERE gone_at IS NOT NULL;

                CREATE TABLE audit_worker (
                    one boolean CONSTRAINT pk_audit_worker PRIMARY KEY DEFAULT true CHECK (one),
                    seen_at timestamptz NOT NULL,
                    state text NOT NULL
                );

                -- A repair that changes no total is a movement all the same: it says who touched the SKU, and why.
                ALTER TABLE inventory_movements DROP CONSTRAINT ck_inventory_movements_quantity;
                ALTER TABLE inventory_movements ADD CONSTRAINT ck_inventory_movements_quantity
                    CHECK (quantity <> 0 OR reason = 'repair');
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            ArgumentNullException.ThrowIfNull(migrationBuilder);
            migrationBuilder.Sql(
                """
                DROP TABLE audit_runs, audit_findings, audit_worker;
                ALTER TABLE inventory_movements DROP CONSTRAINT ck_inventory_movements_quantity;
                -- Movements are only ever added: those of repairs stay, and new ones are refused.
                ALTER TABLE inventory_movements ADD CONSTRAINT ck_inventory_movements_quantity
                    CHECK (quantity <> 0) NOT VALID;
                """);
        }
    }
}
