using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>Old decisions are found without reading all. Rows come in order of time, so ranges of pages do.</summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261121120500_DecisionAge")]
    public class DecisionAge : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            "CREATE INDEX ix_pin_decisions_at ON pin_decisions USING brin (at);");

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            "DROP INDEX ix_pin_decisions_at;");
    }
}
