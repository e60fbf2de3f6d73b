using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>What the ledger asks of a SKU wherever it is stored.</summary>
public static class Sku
{
    /// <summary>The most characters of a SKU. The shortest has one.</summary>
    public const int MaxLength = 64;

    /// <summary>
    /// Stores SKUs in byte order. The order of a page walk, of an index and of a comparison in C# is then the same on
    /// every server, and no update of the operating system's locale data can reorder an index.
    /// </summary>
    internal static PropertyBuilder<string> IsSku(this PropertyBuilder<string> property) => property.UseCollation("C");
}
