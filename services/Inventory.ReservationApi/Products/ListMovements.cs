using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Overload;
using Microsoft.EntityFrameworkCore;

namespace Inventory.ReservationApi.Products;

/// <summary>GET /api/products/{sku}/movements: why the total is what it is, newest first.</summary>
public static class ListMovements
{
    private const int DefaultLimit = 50;

    // An answer of this many movements has some 150 KB.
    private const int MaxLimit = 500;

    /// <summary>Movements of one SKU.</summary>
    /// <param name="Sku">The SKU.</param>
    /// <param name="Total">Its total as it is now.</param>
    /// <param name="Movements">Newest first.</param>
    /// <param name="NextBefore">The value of before for the next page; absent on the last page.</param>
    public sealed record Response(string Sku, int Total, IReadOnlyList<MovementView> Movements, long? NextBefore);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(ShowProduct.Path + "/movements", Handle)
        .WithName(nameof(ListMovements))
        .WithTags("Products")
        .OnlyFor(Scopes.Admin)
        .MayBeShed(Priority.Browsing)
        .WithSummary("Read why a total is what it is")
        .WithDescription("Newest first, each with the total after it. A total that plain SQL has changed without a "
            + "movement shows as a gap, until an audit adds one with the reason external. limit is 1 to 500, and 50 "
            + "when absent; before is nextBefore of the previous page.")
        .TakesQuery("limit", DefaultLimit, 1, MaxLimit)
        .Answers<Response>(StatusCodes.Status200OK, "The movements.")
        .Refuses(Problem.UnknownSku, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(HttpContext http, string sku, string? before, LedgerReader ledger)
    {
        var errors = new FieldErrors();
        errors.CheckSku("sku", sku);
        var limit = IncomingQuery.ReadNumber(http, "limit", DefaultLimit, MaxLimit, ref errors);
        var end = IncomingQuery.ReadNumber(http, nameof(before), long.MaxValue, long.MaxValue, ref errors);
        if (errors.ToRefusal() is { } invalid) return invalid;

        // The total first: a movement that comes in between is newer than it, and none is missing.
        if (await ProductState.ReadAsync(ledger, sku, http.RequestAborted) is not { } state)
        {
            return Refusal.UnknownSku(sku);
        }
        var movements = await LedgerCalls.RunAsync(() => ledger.Movements
            .Where(movement => movement.SkuId == sku && movement.Id < end)
            .OrderByDescending(movement => movement.Id)
            .Take((int)limit + 1)
            .ToListAsync(http.RequestAborted));
        var page = movements.Take((int)limit).Select(movement => new MovementView(movement)).ToList();
        var next = movements.Count > limit ? page[^1].Id : (long?)null;
        return JsonAnswer.Of(StatusCodes.Status200OK,
            new Response(sku, state.Total, page, next), ApiJson.Default.ListMovementsResponse);
    }
}
