using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>Payments that could not be settled at once are tried again, each at its own time.</summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261121120100_Payments")]
    public sealed class Payments : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            ALTER TABLE payment_events
                ADD COLUMN attempts integer NOT NULL DEFAULT 0,
                ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT now(),
                ADD COLUMN trace text,
                ADD CONSTRAINT ck_payment_events_attempts CHECK (attempts >= 0);
            DROP INDEX ix_payment_events_received_at;
            CREATE INDEX ix_payment_events_next_attempt_at ON payment_events (next_attempt_at)
                WHERE processed_at IS NULL;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            ALTER TABLE payment_events DROP COLUMN attempts, DROP COLUMN next_attempt_at, DROP COLUMN trace;
            CREATE INDEX ix_payment_events_received_at ON payment_events (received_at) WHERE processed_at IS NULL;
            """);
    }
}
