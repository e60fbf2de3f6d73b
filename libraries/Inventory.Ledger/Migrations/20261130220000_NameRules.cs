using Inventory.Contracts;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>
    /// The names that a SKU and a holder may have, and the form of lines, for every writer. The constraints concern new
    /// and changed rows only: a name that plain SQL brought in before must not keep the services from starting.
    /// </summary>
    /// <remarks>
    /// The functions state the rules of <see cref="Names"/> and of a holder's text a second time; a test compares both.
    /// A later rule is a later migration. Rows of inventory refer to products, so their names are checked there.
    /// </remarks>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261130220000_NameRules")]
    public class NameRules : Migration
    {
        // Most names are ASCII, and only the others need the long expression. The functions have bodies that are parsed
        // here, so that a writer's search path doesn't matter.
        private static readonly string IsName =
            $$"""
            CREATE FUNCTION is_name(name text, characters integer, octets integer) RETURNS boolean
            LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN char_length(name) BETWEEN 1 AND characters AND octet_length(name) <= octets AND (
                (name COLLATE "C") ~ '^[!-~]([ -~]*[!-~])?$'
                OR (left(name, 1) <> ' ' AND right(name, 1) <> ' '
                    AND (name COLLATE "C") !~ '[^{{Names.PrintableRanges()}}]' AND name IS NFC NORMALIZED));
            """;

        private static readonly string HolderIdLimits = $"{Names.MaxHolderIdLength}, {Names.MaxHolderIdBytes}";

        private static readonly string OtherRules =
            $$"""
            CREATE FUNCTION is_sku(sku text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
                RETURN sku NOT IN ('.', '..') AND is_name(sku, {{Names.MaxSkuLength}}, {{Names.MaxSkuBytes}});

            -- u:<customer>, c:<cart>, or s:<subject>|<cart> for a cart of a shopper's session.
            CREATE FUNCTION is_holder(holder text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
                RETURN CASE left(holder, 2)
                    WHEN 'u:' THEN is_name(substr(holder, 3), {{HolderIdLimits}})
                    WHEN 'c:' THEN is_name(substr(holder, 3), {{HolderIdLimits}})
                    WHEN 's:' THEN strpos(holder, '|') > 0
                        AND is_name(split_part(substr(holder, 3), '|', 1), {{HolderIdLimits}})
                        AND is_name(substr(holder, strpos(holder, '|') + 1), {{HolderIdLimits}})
                    ELSE false END;

            -- Not the whole rule of SKUs, which would take longer than the rest of storing an event. A number keeps its
            -- digits: 1.0 can't be read as an integer. Few names have a dot, and only those need the last expression.
            CREATE FUNCTION is_lines(lines jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
                RETURN CASE jsonb_typeof(lines) WHEN 'array' THEN jsonb_array_length(lines) > 0
                    AND jsonb_array_length(lines) = jsonb_array_length(jsonb_path_query_array(lines,
                        'strict $[*] ? (@.sku > "" && @.quantity >= 1 && @.quantity <= 2147483647)'))
                    AND (strpos(lines::text, '.') = 0 OR lines::text !~ '"quantity": [0-9]+[.]')
                    ELSE false END;
            """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            ArgumentNullException.ThrowIfNull(migrationBuilder);
            migrationBuilder.Sql(IsName);
            migrationBuilder.Sql(OtherRules);
            migrationBuilder.Sql(
                """
                ALTER TABLE products DROP CONSTRAINT ck_products_sku_id,
                    ADD CONSTRAINT ck_products_sku_id CHECK (is_sku(sku_id)) NOT VALID;
                ALTER TABLE order_items ADD CONSTRAINT ck_order_items_sku_id CHECK (is_sku(sku_id)) NOT VALID;
                ALTER TABLE inventory_movements
                    ADD CONSTRAINT ck_inventory_movements_sku_id CHECK (is_sku(sku_id)) NOT VALID;
                ALTER TABLE orders ADD CONSTRAINT ck_orders_holder CHECK (is_holder(holder)) NOT VALID;
                ALTER TABLE waiting_queue ADD CONSTRAINT ck_waiting_queue_holder CHECK (is_holder(holder)) NOT VALID;
                ALTER TABLE reservations
                    ADD CONSTRAINT ck_reservations_holder CHECK (is_holder(holder)) NOT VALID,
                    ADD CONSTRAINT ck_reservations_lines CHECK (is_lines(lines)) NOT VALID,
                    ADD CONSTRAINT ck_reservations_status CHECK (
                        status IN ('pending', 'released', 'expired', 'confirmed')) NOT VALID,
                    ADD CONSTRAINT ck_reservations_partition CHECK (partition >= 0) NOT VALID,
                    ADD CONSTRAINT ck_reservations_sequence CHECK (sequence >= 1) NOT VALID;
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            ArgumentNullException.ThrowIfNull(migrationBuilder);
            migrationBuilder.Sql(
                """
                ALTER TABLE products DROP CONSTRAINT ck_products_sku_id,
                    ADD CONSTRAINT ck_products_sku_id CHECK (char_length(sku_id) BETWEEN 1 AND 64);
                ALTER TABLE order_items DROP CONSTRAINT ck_order_items_sku_id;
                ALTER TABLE inventory_movements DROP CONSTRAINT ck_inventory_movements_sku_id;
                ALTER TABLE orders DROP CONSTRAINT ck_orders_holder;
                ALTER TABLE waiting_queue DROP CONSTRAINT ck_waiting_queue_holder;
                ALTER TABLE reservations DROP CONSTRAINT ck_reservations_holder,
                    DROP CONSTRAINT ck_reservations_lines, DROP CONSTRAINT ck_reservations_status,
                    DROP CONSTRAINT ck_reservations_partition, DROP CONSTRAINT ck_reservations_sequence;
                DROP FUNCTION is_lines, is_holder, is_sku, is_name;
                """);
        }
    }
}
