using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Inventory.Ledger;

/// <summary>The rules for SKU columns in the ledger.</summary>
internal static class Sku
{
    /// <summary>
    /// Stores SKUs in byte order. Keyset pages and indexes then have the same order on every server, and an update of
    /// the operating system's locale data can't reorder an index.
    /// </summary>
    internal static PropertyBuilder<string> IsSku(this PropertyBuilder<string> property) => property.UseCollation("C");
}
