using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>
    /// Checks the names of existing products, while other sessions write: a migration of its own, so that the lock of
    /// the one before is released.
    /// </summary>
    /// <remarks>
    /// A product that breaks the rule stays, the constraint stays unvalidated, and the audit reports the product. By
    /// design: the other constraints are never validated. Their tables grow with every order and event, and what was
    /// written to them before is read with care.
    /// </remarks>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261130220100_NameRulesValidated")]
    public class NameRulesValidated : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            DO $body$
            BEGIN
                ALTER TABLE products VALIDATE CONSTRAINT ck_products_sku_id;
            EXCEPTION WHEN check_violation THEN
                RAISE WARNING 'A product has a name that no SKU may have, so it is not sold: the audit reports which.';
            END $body$;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // A validated constraint allows no less than one that isn't.
        }
    }
}
