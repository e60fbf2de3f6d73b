using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>What Redis has to know about one SKU, as of one moment.</summary>
/// <param name="Sku">The key.</param>
/// <param name="Total">Units owned and not yet sold, 0 or more.</param>
/// <param name="Version">Of all that follows and precedes: a higher one is newer.</param>
/// <param name="MaxPerCustomer">Most units for one customer, 1 or more; null for no limit.</param>
/// <param name="Paused">Whether sales are stopped.</param>
public sealed record StockLevel(string Sku, int Total, long Version, int? MaxPerCustomer, bool Paused);

/// <summary>Reads every SKU's level, for the sweep that makes Redis agree with the ledger.</summary>
/// <remarks>
/// Keyset pages and not one long result: between two pages there is neither an open transaction, which would keep
/// PostgreSQL from cleaning up, nor a connection that waits for the reader. Memory is one page, whatever the number of
/// SKUs.
/// </remarks>
public sealed class StockLevels(LedgerContext context)
{
    /// <summary>
    /// SKUs that one query reads unless the caller says otherwise. A thousand rows are some 100 KB and a few
    /// milliseconds; a million SKUs are then a thousand round trips, whose cost is lost in the writing to Redis.
    /// </summary>
    public const int DefaultPageSize = 1_000;

    /// <summary>Above this, a page is held in memory for no gain in speed.</summary>
    public const int MaxPageSize = 10_000;

    // The page is cut before the join. Joined first, PostgreSQL merges the two indexes, and walks that of the products
    // from its beginning for every page: a sweep of a million SKUs then takes minutes, and the square of their number.
    private static readonly Func<LedgerContext, string, int, IAsyncEnumerable<StockLevel>> PageAfter =
        EF.CompileAsyncQuery((LedgerContext context, string after, int pageSize) =>
            from row in context.Inventory
                .Where(row => string.Compare(row.SkuId, after) > 0)
                .OrderBy(row => row.SkuId)
                .Take(pageSize)
            join product in context.Products on row.SkuId equals product.SkuId
            orderby row.SkuId
            select new StockLevel(row.SkuId, row.Total, row.Version, product.MaxPerCustomer, product.Paused));

    /// <summary>Reads all levels in ascending byte order of their SKUs.</summary>
    /// <remarks>
    /// Each page is consistent in itself; the whole is not a snapshot. A SKU that is inserted or changed behind the
    /// reader is change capture's to deliver.
    /// </remarks>
    /// <param name="pageSize">SKUs for each query, 1 to <see cref="MaxPageSize"/>.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pageSize"/> is out of its range.</exception>
    public IAsyncEnumerable<StockLevel> ReadAllAsync(
        int pageSize = DefaultPageSize, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pageSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageSize, MaxPageSize);
        return ReadPagesAsync(pageSize, cancellation);
    }

    private async IAsyncEnumerable<StockLevel> ReadPagesAsync(
        int pageSize, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // Before the first SKU: no SKU is empty.
        var after = "";
        var page = new List<StockLevel>(pageSize);
        do
        {
            page.Clear();
            await foreach (var level in PageAfter(context, after, pageSize).WithCancellation(cancellation)
                .ConfigureAwait(false))
            {
                page.Add(level);
            }

            foreach (var level in page)
            {
                yield return level;
                after = level.Sku;
            }
        }
        // A page loses no row in the join: the foreign key gives each its product.
        while (page.Count == pageSize);
    }
}
