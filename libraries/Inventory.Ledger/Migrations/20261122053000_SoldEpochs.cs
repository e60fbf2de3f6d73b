using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>The last number under which a partition may have sold, beside the last that was raised.</summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261122053000_SoldEpochs")]
    public class SoldEpochs : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            ALTER TABLE fences ADD COLUMN sold_epoch bigint NOT NULL DEFAULT 0;
            UPDATE fences SET sold_epoch = epoch;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            "ALTER TABLE fences DROP COLUMN sold_epoch;");
    }
}
