using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;

namespace Inventory.Ledger;

/// <summary>
/// Columns, keys and indexes are named in snake_case, which SQL reads without quotes. Tables are named by hand, since
/// their words differ from the classes'.
/// </summary>
internal sealed class SnakeCaseNames : IModelFinalizingConvention
{
    public void ProcessModelFinalizing(
        IConventionModelBuilder modelBuilder, IConventionContext<IConventionModelBuilder> context)
    {
        foreach (var entity in modelBuilder.Metadata.GetEntityTypes())
        {
            foreach (var property in entity.GetDeclaredProperties())
            {
                property.Builder.HasColumnName(SnakeCase(property.Name));
            }

            foreach (var key in entity.GetDeclaredKeys())
            {
                key.Builder.HasName(Lower(key.GetName()));
            }

            foreach (var foreignKey in entity.GetDeclaredForeignKeys())
            {
                foreignKey.Builder.HasConstraintName(Lower(foreignKey.GetConstraintName()));
            }

            foreach (var index in entity.GetDeclaredIndexes())
            {
                index.Builder.HasDatabaseName(Lower(index.GetDatabaseName()));
            }
        }
    }

    /// <summary>EF Core names keys and indexes after tables and columns, with a prefix in capitals.</summary>
    private static string? Lower(string? name) => name?.ToLower(CultureInfo.InvariantCulture);

    private static string SnakeCase(string name)
    {
        var snake = new StringBuilder(name.Length + 8);
        foreach (var character in name)
        {
            if (char.IsUpper(character) && snake.Length > 0)
            {
                snake.Append('_');
            }

            snake.Append(char.ToLowerInvariant(character));
        }

        return snake.ToString();
    }
}
