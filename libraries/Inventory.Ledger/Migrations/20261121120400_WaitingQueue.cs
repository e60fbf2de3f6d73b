using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>Who waits while stock can't be decided. Read and written in plain SQL: no part of the model.</summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261121120400_WaitingQueue")]
    public class WaitingQueue : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            CREATE TABLE waiting_queue (
                place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                ticket text NOT NULL UNIQUE CHECK (length(ticket) = 22),
                form smallint NOT NULL CHECK (form BETWEEN 0 AND 2),
                reservation_id uuid NOT NULL,
                is_clients_id boolean NOT NULL,
                holder text NOT NULL,
                lines text NOT NULL,
                hold_ms bigint NOT NULL CHECK (hold_ms > 0),
                on_existing smallint NOT NULL,
                idempotency_key text UNIQUE,
                fingerprint text,
                unsure boolean NOT NULL,
                state smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
                status integer,
                answer text,
                queued_at timestamptz NOT NULL DEFAULT now(),
                resolved_at timestamptz,
                CHECK ((state = 0) = (resolved_at IS NULL)),
                CHECK ((state IN (1, 2)) = (answer IS NOT NULL))
            );
            CREATE INDEX ix_waiting_queue_waiting ON waiting_queue (place) WHERE state = 0;
            CREATE INDEX ix_waiting_queue_owed ON waiting_queue (place) WHERE unsure AND state > 2;
            CREATE TABLE waiting_queue_load (
                is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
                waiting integer NOT NULL CHECK (waiting >= 0)
            );
            INSERT INTO waiting_queue_load (waiting) VALUES (0);
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("DROP TABLE waiting_queue, waiting_queue_load;");
    }
}
