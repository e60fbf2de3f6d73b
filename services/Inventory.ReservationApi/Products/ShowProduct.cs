using Inventory.Identity;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.Stock;

namespace Inventory.ReservationApi.Products;

/// <summary>GET /api/products/{sku}: a product, and the ETag that a change of it needs.</summary>
public static class ShowProduct
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(ProductRoutes.Path, Handle)
        .WithName(nameof(ShowProduct))
        .WithTags("Products")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Read a product")
        .WithDescription("From the system of record; available is the stock store's, exact at the moment of reading. "
            + "The ETag header changes with the product and with its total, and goes into If-Match of a change.")
        .Answers<ProductView>(StatusCodes.Status200OK, "The product.")
        .Refuses(Problem.UnknownSku, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(HttpContext http, string sku, LedgerReader ledger, StockEngine engine)
    {
        if (!Names.IsSku(sku)) return Refusal.Invalid("sku", $"must be {Names.SkuRule}");
        return await ProductState.ReadAsync(ledger, sku, http.RequestAborted) is { } state
            ? await ProductView.AnswerAsync(http, StatusCodes.Status200OK, state, engine)
            : Refusal.UnknownSku(sku);
    }
}
