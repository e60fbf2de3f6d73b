using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Inventory.Ledger.Migrations
{
    /// <summary>Which life of Redis' data an order may come from. Read and written in plain SQL: no part of the model.</summary>
    [DbContext(typeof(LedgerContext))]
    [Migration("20261121120200_Fences")]
    public class Fences : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            CREATE TABLE fences (
                partition integer PRIMARY KEY,
                epoch bigint NOT NULL CHECK (epoch > 0),
                cause text NOT NULL,
                closed_at timestamptz NOT NULL DEFAULT now(),
                run_id text,
                opened_at timestamptz
            );
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP TABLE fences;");
    }
}
