using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>The rules for SKU columns in the ledger.</summary>
public static class Sku
{
    /// <summary>Maximum length of a SKU. The minimum is 1.</summary>
    public const int MaxLength = 64;

    /// <summary>
    /// Stores SKUs in byte order. Keyset pages, indexes and comparisons in C# then have the same order on every server,
    /// and an update of the operating system's locale data can't reorder an index.
    /// </summary>
    internal static PropertyBuilder<string> IsSku(this PropertyBuilder<string> property) => property.UseCollation("C");
}
