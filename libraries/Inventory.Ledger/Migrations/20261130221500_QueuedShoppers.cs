using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>
    /// Which requests in the waiting queue came from shoppers, and the waiting ones of each shopper. Requests that wait
    /// when this is applied count as those of other callers.
    /// </summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261130221500_QueuedShoppers")]
    public class QueuedShoppers : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            $"""
            ALTER TABLE waiting_queue ADD COLUMN is_shopper boolean NOT NULL DEFAULT false;
            CREATE INDEX ix_waiting_queue_shopper ON waiting_queue (({Ledger.Orders.OwnerSql}))
                WHERE state = 0 AND is_shopper;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            "ALTER TABLE waiting_queue DROP COLUMN is_shopper;");
    }
}
