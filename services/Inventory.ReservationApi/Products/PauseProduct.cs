using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.Stock;
using Microsoft.EntityFrameworkCore;

namespace Inventory.ReservationApi.Products;

/// <summary>POST /api/products/{sku}/pause and /resume: sale stops or goes on. A repetition changes nothing.</summary>
public static class PauseProduct
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(ShowProduct.Path + "/pause", Pause)
            .WithName(nameof(PauseProduct))
            .WithTags("Products")
            .OnlyFor(Scopes.Admin)
            .WithSummary("Stop the sale of a product")
            .WithDescription("No unit is held from now on. Holds that exist stay valid and can be confirmed.")
            .MayBeRepeated()
            .Answers<ProductView>(StatusCodes.Status200OK, "The product, paused now or from before.")
            .Refuses(Problem.UnknownSku, Problem.LedgerUnavailable);
        routes.MapPost(ShowProduct.Path + "/resume", Resume)
            .WithName("ResumeProduct")
            .WithTags("Products")
            .OnlyFor(Scopes.Admin)
            .WithSummary("Resume the sale of a product")
            .WithDescription("Units can be held again.")
            .MayBeRepeated()
            .Answers<ProductView>(StatusCodes.Status200OK, "The product, on sale now or from before.")
            .Refuses(Problem.UnknownSku, Problem.LedgerUnavailable);
    }

    internal static Task<IResult> Pause(
        HttpContext http, string sku, LedgerContext context, LevelStore levels, StockCircuit circuit,
        ProductPublisher window) =>
        SetAsync(http, sku, paused: true, context, levels, circuit, window);

    internal static Task<IResult> Resume(
        HttpContext http, string sku, LedgerContext context, LevelStore levels, StockCircuit circuit,
        ProductPublisher window) =>
        SetAsync(http, sku, paused: false, context, levels, circuit, window);

    // By design: no If-Match. Stopping a sale must work at once, also when the product is changed meanwhile.
    private static async Task<IResult> SetAsync(
        HttpContext http, string sku, bool paused, LedgerContext context, LevelStore levels, StockCircuit circuit,
        ProductPublisher window)
    {
        if (!Names.IsSku(sku)) return Refusal.Invalid("sku", $"must be {Names.SkuRule}");
        await LedgerCalls.RunAsync(() => context.Products
            .Where(product => product.SkuId == sku && product.Paused != paused)
            .ExecuteUpdateAsync(set => set.SetProperty(product => product.Paused, paused), http.RequestAborted));
        var state = await ProductState.ReadAsync(context, sku, http.RequestAborted);
        if (state is null) return Refusal.UnknownSku(sku);

        // Also when nothing was changed: the call before may have failed to reach Redis.
        await window.ShowAsync(state);
        return await ProductView.AnswerAsync(http, StatusCodes.Status200OK, state, levels, circuit);
    }
}
