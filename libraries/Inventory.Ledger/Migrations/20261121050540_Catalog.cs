using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <inheritdoc />
    public partial class Catalog : Migration
    {
        // In the database and not in a service: an ERP that writes plain SQL must keep these laws without knowing them.

        // The version counts updates, so what a statement says about it is overwritten. A renamed row would leave its old
        // SKU in Redis with the last total for ever.
        private const string VersionLaw =
            """
            CREATE FUNCTION inventory_changed() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.sku_id <> OLD.sku_id THEN
                    RAISE EXCEPTION 'inventory row % cannot be renamed to %', OLD.sku_id, NEW.sku_id
                        USING ERRCODE = 'restrict_violation', HINT = 'Set its total to 0 and insert the other SKU.';
                END IF;
                NEW.version := OLD.version + 1;
                RETURN NEW;
            END $$;

            CREATE TRIGGER inventory_changed BEFORE UPDATE ON inventory
                FOR EACH ROW EXECUTE FUNCTION inventory_changed();
            """;

        // A SKU inserted again would start at version 1, older than what Redis holds, and its total would be ignored.
        private const string RemovalLaw =
            """
            CREATE FUNCTION inventory_never_removed() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'inventory rows are never removed'
                    USING ERRCODE = 'restrict_violation', HINT = 'Set the total to 0 or pause the product.';
            END $$;

            CREATE TRIGGER inventory_never_removed BEFORE DELETE OR TRUNCATE ON inventory
                FOR EACH STATEMENT EXECUTE FUNCTION inventory_never_removed();
            """;

        // Limits and pause travel to Redis with the total, under its version. The update that names the column it sets
        // to itself changes no total: the trigger above does the counting. The search path is fixed because the trigger
        // runs in its writer's session, whose path may not lead to the table.
        private const string ProductLaws =
            """
            CREATE FUNCTION products_touched() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                NEW.updated_at := now();
                RETURN NEW;
            END $$;

            CREATE TRIGGER products_touched BEFORE UPDATE ON products
                FOR EACH ROW EXECUTE FUNCTION products_touched();

            CREATE FUNCTION products_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                UPDATE inventory SET total = total WHERE sku_id = NEW.sku_id;
                RETURN NULL;
            END $$;

            CREATE TRIGGER products_changed AFTER UPDATE ON products
                FOR EACH ROW
                WHEN (OLD.max_per_customer IS DISTINCT FROM NEW.max_per_customer OR OLD.paused IS DISTINCT FROM NEW.paused)
                EXECUTE FUNCTION products_changed();
            """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "products",
                columns: table => new
                {
                    sku_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: false),
                    max_per_customer = table.Column<int>(type: "integer", nullable: true),
                    paused = table.Column<bool>(type: "boolean", nullable: false, defaultValue: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_products", x => x.sku_id);
                    table.CheckConstraint("ck_products_max_per_customer", "max_per_customer > 0");
                    table.CheckConstraint("ck_products_name", "char_length(name) BETWEEN 1 AND 256");
                    table.CheckConstraint("ck_products_sku_id", "char_length(sku_id) BETWEEN 1 AND 64");
                });

            migrationBuilder.CreateTable(
                name: "inventory",
                columns: table => new
                {
                    sku_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    total = table.Column<int>(type: "integer", nullable: false),
                    version = table.Column<long>(type: "bigint", rowVersion: true, nullable: false, defaultValue: 1L)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_inventory", x => x.sku_id);
                    table.CheckConstraint("ck_inventory_total", "total >= 0");
                    table.ForeignKey(
                        name: "fk_inventory_products_sku_id",
                        column: x => x.sku_id,
                        principalTable: "products",
                        principalColumn: "sku_id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.Sql(VersionLaw);
            migrationBuilder.Sql(RemovalLaw);
            migrationBuilder.Sql(ProductLaws);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // Triggers go with their tables, functions don't.
            migrationBuilder.DropTable(
                name: "inventory");

            migrationBuilder.DropTable(
                name: "products");

            migrationBuilder.Sql(
                """
                DROP FUNCTION products_changed();
                DROP FUNCTION products_touched();
                DROP FUNCTION inventory_never_removed();
                DROP FUNCTION inventory_changed();
                """);
        }
    }
}
