using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>
    /// Rows that have ended, by their age, and open dead letters by their reservation: so old rows are found without
    /// reading all.
    /// </summary>
    /// <remarks>
    /// No BRIN index, as decisions have: space of deleted rows is used again, so that old and new rows share pages.
    /// IF NOT EXISTS: in a large database an operator makes the indexes beforehand, without a lock
    /// (docs/deployment.md, Upgrading). Otherwise a table isn't written while its index is made.
    /// </remarks>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261130223000_Retention")]
    public sealed class Retention : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            CREATE INDEX IF NOT EXISTS ix_reservations_updated_at ON reservations (updated_at)
                WHERE status <> 'pending';
            CREATE INDEX IF NOT EXISTS ix_payment_events_processed_at ON payment_events (processed_at)
                WHERE outcome IN ('noted', 'refund-required');
            CREATE INDEX IF NOT EXISTS ix_outbox_sent_at ON outbox (sent_at)
                WHERE kind = 'payment_event_conflict' AND sent_at IS NOT NULL;
            CREATE INDEX IF NOT EXISTS ix_dead_letters_resolved_at ON dead_letters (resolved_at)
                WHERE resolved_at IS NOT NULL;
            CREATE INDEX IF NOT EXISTS ix_dead_letters_reservation ON dead_letters ((payload ->> 'reservation'))
                WHERE resolved_at IS NULL;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            DROP INDEX ix_reservations_updated_at, ix_payment_events_processed_at, ix_outbox_sent_at,
                ix_dead_letters_resolved_at, ix_dead_letters_reservation;
            """);
    }
}
