using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>A product and its units at one moment.</summary>
/// <param name="Sku">The key.</param>
/// <param name="Name">The name for people.</param>
/// <param name="Limit">Maximum units for one customer, 1 or more; null for no limit.</param>
/// <param name="Paused">Whether the product is paused.</param>
/// <param name="Total">Units owned and not yet sold, 0 or more.</param>
/// <param name="Version">The version of <paramref name="Total"/>; 0 while the product never had units.</param>
/// <param name="Revision">
/// Changes with every write of the product's own row, also when <paramref name="Version"/> stays the same, as for a new
/// name.
/// </param>
public sealed record ProductState(
    string Sku, string Name, int? Limit, bool Paused, int Total, long Version, long Revision)
{
    /// <summary>Reads a product; null when there is none.</summary>
    /// <param name="context">
    /// The context to read with: the ledger, or its reader where slightly outdated data is acceptable.
    /// </param>
    /// <param name="sku">The key.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public static async Task<ProductState?> ReadAsync(DbContext context, string sku, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        // The revision is the id of the transaction that wrote the row, because two writes can have the same timestamp.
        var found = await LedgerCalls.RunAsync(() => context.Database.SqlQuery<ProductState>(
            $"""
            SELECT sku_id AS sku, name, max_per_customer AS "limit", paused, coalesce(total, 0) AS total,
                   coalesce(version, 0) AS version, products.xmin::text::bigint AS revision
            FROM products LEFT JOIN inventory USING (sku_id)
            WHERE sku_id = {sku}
            """).ToListAsync(cancellation));
        return found.SingleOrDefault();
    }

    /// <summary>
    /// Locks a product and its units for the rest of the transaction, and reads them; null when there is no such
    /// product. The product is locked first, in the same order as plain SQL that changes a limit and fires the trigger.
    /// </summary>
    /// <param name="context">A context with a transaction.</param>
    /// <param name="sku">The key.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public static async Task<ProductState?> LockAsync(LedgerContext context, string sku, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        await context.Database.ExecuteSqlAsync(
            $"SELECT FROM products WHERE sku_id = {sku} FOR NO KEY UPDATE", cancellation);
        await EnsureRowAsync(context, sku, cancellation);
        await context.Database.ExecuteSqlAsync(
            $"SELECT FROM inventory WHERE sku_id = {sku} FOR NO KEY UPDATE", cancellation);
        return await ReadAsync(context, sku, cancellation);
    }

    /// <summary>Inserts a missing inventory row: plain SQL may have inserted a product without units.</summary>
    internal static Task EnsureRowAsync(LedgerContext context, string sku, CancellationToken cancellation) =>
        context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO inventory (sku_id, total) SELECT sku_id, 0 FROM products WHERE sku_id = {sku}
            ON CONFLICT DO NOTHING
            """,
            cancellation);
}
