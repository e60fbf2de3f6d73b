using System.Reflection;
using System.Text.RegularExpressions;
using Inventory.Testing;

namespace Inventory.Ledger.Tests;

/// <summary>docs/retention.md says of every table what bounds it.</summary>
[Collection(OneServer.Name)]
public sealed partial class RetentionTableTests(LedgerDatabases databases)
{
    private static string Page => File.ReadAllText(Path.Combine(
        typeof(RetentionTableTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "RepoRoot").Value!,
        "docs", "retention.md"));

    [Fact]
    public async Task Every_table_of_the_migrated_database_has_a_row_and_every_row_is_a_table()
    {
        var documented = Page.Split("## PostgreSQL")[1].Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Span().Matches(line.Split('|')[1]).Select(span => span.Groups[1].Value));

        Assert.Equal(
            await databases.Shared.ReadAsync<string[]>(
                """
                SELECT array_agg(tablename::text ORDER BY tablename COLLATE "C")
                FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
                """),
            documented.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Span();
}
