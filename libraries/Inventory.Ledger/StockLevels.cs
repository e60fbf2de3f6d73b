using System.Runtime.CompilerServices;
using Inventory.Contracts;
using Microsoft.EntityFrameworkCore;

namespace Inventory.Ledger;

/// <summary>Reads the level of every SKU, for the sweep that brings Redis in line with the ledger.</summary>
/// <remarks>
/// It reads keyset pages instead of one long result. Between two pages there is neither an open transaction, which
/// would keep PostgreSQL from cleaning up, nor a connection that waits for the reader. Only one page is in memory,
/// whatever the number of SKUs.
/// </remarks>
public sealed class StockLevels(LedgerContext context)
{
    /// <summary>
    /// Default number of SKUs that one query reads. A thousand rows are some 100 KB and a few milliseconds; a million
    /// SKUs take a thousand round trips, which cost little beside the writes to Redis.
    /// </summary>
    public const int DefaultPageSize = 1_000;

    /// <summary>A larger page needs more memory and is not faster.</summary>
    public const int MaxPageSize = 10_000;

    // The page is limited before the join. If the join came first, PostgreSQL would merge the two indexes and scan that
    // of the products from the beginning for every page: a sweep of a million SKUs would take minutes, growing with the
    // square of their number.
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
    /// Each page is consistent in itself; the whole is not a snapshot. Change capture delivers a SKU that is inserted
    /// or changed behind the reader.
    /// </remarks>
    /// <param name="pageSize">Number of SKUs for each query, 1 to <see cref="MaxPageSize"/>.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pageSize"/> is out of its range.</exception>
    public IAsyncEnumerable<StockLevel> ReadAllAsync(
        int pageSize = DefaultPageSize, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pageSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageSize, MaxPageSize);
        return ReadPagesAsync(pageSize, cancellation);
    }

    private async Task<List<StockLevel>> ReadPageAsync(string after, int pageSize, CancellationToken cancellation)
    {
        var page = new List<StockLevel>(pageSize);
        await foreach (var level in PageAfter(context, after, pageSize).WithCancellation(cancellation)) page.Add(level);
        return page;
    }

    private async IAsyncEnumerable<StockLevel> ReadPagesAsync(
        int pageSize, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // The empty text sorts before every SKU.
        var after = "";
        List<StockLevel> page;
        do
        {
            page = await LedgerCalls.RunAsync(() => ReadPageAsync(after, pageSize, cancellation));

            foreach (var level in page)
            {
                yield return level;
                after = level.Sku;
            }
        }
        // The join drops no row: the foreign key guarantees a product for each.
        while (page.Count == pageSize);
    }
}
