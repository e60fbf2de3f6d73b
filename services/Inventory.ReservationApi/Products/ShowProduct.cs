using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

namespace Inventory.ReservationApi.Products;

/// <summary>GET /api/products/{sku}: a product, and the ETag that a change of it needs.</summary>
public static class ShowProduct
{
    internal const string Path = "/api/products/{sku}";

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, Handle)
        .WithName(nameof(ShowProduct))
        .WithTags("Products")
        .OnlyFor(Scopes.Admin)
        .MayBeShed(Priority.Browsing)
        .WithSummary("Read a product")
        .WithDescription("As it was a moment ago; available is the stock store's, exact at the moment of reading. "
            + "The ETag header changes with the product and with its total, and goes into If-Match of a change. With "
            + "Cache-Control: no-cache the system of record itself is read.")
        .TakesHeader("Cache-Control", "no-cache to read the system of record itself.")
        .Answers<ProductView>(StatusCodes.Status200OK, "The product.")
        .Refuses(Problem.UnknownSku, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string sku, ProductCache cache, LevelStore levels, StockCircuit circuit)
    {
        if (!Names.IsSku(sku)) return Refusal.Invalid("sku", $"must be {Names.SkuRule}");
        var stop = http.RequestAborted;
        var isExact = http.Request.GetTypedHeaders().CacheControl?.NoCache == true;
        var state = await (isExact ? cache.ReadThroughAsync(sku, stop) : cache.ReadAsync(sku, stop));
        if (state is null) return Refusal.UnknownSku(sku);
        var stock = await ProductView.StockAsync(sku, levels, circuit);
        if (!isExact) state = await BringUpToDateAsync(state, stock, cache, stop);
        return ProductView.Answer(http, StatusCodes.Status200OK, state, stock);
    }

    /// <summary>
    /// The total changes with every sale. The stock store has it with its version, so a sale costs no read of
    /// PostgreSQL. A limit or pause that differs in the stock store was changed by plain SQL.
    /// </summary>
    private static async Task<ProductState> BringUpToDateAsync(
        ProductState state, StockSnapshot? stock, ProductCache cache, CancellationToken stop)
    {
        if (stock is null || stock.Version <= state.Version) return state;
        if ((stock.MaxPerCustomer, stock.Paused) != (state.Limit, state.Paused))
        {
            state = await cache.ReadAgainAsync(state.Sku, stop) ?? state;
        }
        return stock.Version <= state.Version
            ? state
            : state with
            {
                Total = stock.Total,
                Version = stock.Version,
                Limit = stock.MaxPerCustomer,
                Paused = stock.Paused,
            };
    }
}
