using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>A product and its units, as of one moment.</summary>
/// <param name="Sku">The key.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Limit">Most units for one customer, 1 or more; null for no limit.</param>
/// <param name="Paused">Whether sales are stopped.</param>
/// <param name="Total">Units owned and not yet sold, 0 or more.</param>
/// <param name="Version">The version of <paramref name="Total"/>; 0 while the product never had units.</param>
/// <param name="Revision">
/// Differs with every write of the product's own row, also where <paramref name="Version"/> stays: of its name.
/// </param>
public sealed record ProductState(
    string Sku, string Name, int? Limit, bool Paused, int Total, long Version, long Revision)
{
    /// <summary>Reads a product; null when there is none.</summary>
    /// <param name="context">Where to read: the ledger, or its reader where a moment does not matter.</param>
    /// <param name="sku">The key.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static async Task<ProductState?> ReadAsync(DbContext context, string sku, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        // The id of the transaction that wrote the row: a timestamp could be the same twice.
        var found = await context.Database.SqlQuery<ProductState>(
            $"""
            SELECT sku_id AS sku, name, max_per_customer AS "limit", paused, coalesce(total, 0) AS total,
                   coalesce(version, 0) AS version, products.xmin::text::bigint AS revision
            FROM products LEFT JOIN inventory USING (sku_id)
            WHERE sku_id = {sku}
            """).ToListAsync(cancellation).ConfigureAwait(false);
        return found.SingleOrDefault();
    }

    /// <summary>
    /// Locks a product and its units for the rest of the transaction, and reads them; null when there is no such
    /// product. The product comes first, as it does when plain SQL changes a limit and the trigger follows.
    /// </summary>
    /// <param name="context">A context with a transaction.</param>
    /// <param name="sku">The key.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static async Task<ProductState?> LockAsync(LedgerContext context, string sku, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        await context.Database.ExecuteSqlAsync(
            $"SELECT FROM products WHERE sku_id = {sku} FOR NO KEY UPDATE", cancellation).ConfigureAwait(false);
        await EnsureRowAsync(context, sku, cancellation).ConfigureAwait(false);
        await context.Database.ExecuteSqlAsync(
            $"SELECT FROM inventory WHERE sku_id = {sku} FOR NO KEY UPDATE", cancellation).ConfigureAwait(false);
        return await ReadAsync(context, sku, cancellation).ConfigureAwait(false);
    }

    /// <summary>Plain SQL may have inserted a product alone: it has no units then.</summary>
    internal static Task EnsureRowAsync(LedgerContext context, string sku, CancellationToken cancellation) =>
        context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO inventory (sku_id, total) SELECT sku_id, 0 FROM products WHERE sku_id = {sku}
            ON CONFLICT DO NOTHING
            """,
            cancellation);
}
