using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>The products of a local run. Callers use it only in a Development environment.</summary>
/// <remarks>
/// Existing rows are never changed: a restart neither refills a total nor restores a limit. Several instances may call
/// it at once.
/// </remarks>
public static class DemoCatalog
{
    /// <summary>An ordinary product: 10 units, no limit per customer.</summary>
    public const string Serum = "sku-123";

    /// <summary>A flash sale: 100 units, 2 for each customer.</summary>
    public const string Sneaker = "flash-100";

    // Both statements name the products in the same order, so that two instances can't wait for each other.
    private const string Missing =
        $"""
        INSERT INTO products (sku_id, name, max_per_customer)
        VALUES ('{Serum}', 'Hydra Serum 30ml', NULL), ('{Sneaker}', 'Flash Sale Sneaker', 2)
        ON CONFLICT DO NOTHING;

        INSERT INTO inventory (sku_id, total)
        VALUES ('{Serum}', 10), ('{Sneaker}', 100)
        ON CONFLICT DO NOTHING;
        """;

    /// <summary>Inserts the demo products that are missing, with their units, all in one transaction.</summary>
    public static Task EnsureAsync(LedgerContext context, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Database.ExecuteSqlRawAsync(Missing, cancellation);
    }
}
