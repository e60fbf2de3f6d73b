using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>
    /// Orders by whose limit they count towards, and movements by their order: so audits read both in pages.
    /// </summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261121120700_AuditOrders")]
    public class AuditOrders : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            $"""
            CREATE INDEX ix_orders_owner ON orders (({Ledger.Orders.OwnerSql}));
            CREATE INDEX ix_inventory_movements_order_id ON inventory_movements (order_id) WHERE order_id IS NOT NULL;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            "DROP INDEX ix_orders_owner, ix_inventory_movements_order_id;");
    }
}
