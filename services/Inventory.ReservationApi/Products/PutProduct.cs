using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Stock;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Inventory.ReservationApi.Products;

/// <summary>
/// PUT /api/products/{sku}: creates a product (If-None-Match: *), or changes the one that was read (If-Match). A client
/// can't overwrite a state that it has not read.
/// </summary>
public static class PutProduct
{
    private const string TextRule = "must have 1 to 256 characters, not all of them spaces, and no control characters";
    private const string InitialReason = "initial";
    private const string InitialReference = "product created";

    /// <summary>The new state of the product.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>What people call it, 1 to 256 characters.</summary>
        /// <example>Hydra Serum 30ml</example>
        public string? Name { get; init; }

        /// <summary>Units one customer may have, held and bought; absent for no limit.</summary>
        /// <example>2</example>
        public int? MaxPerCustomer { get; init; }

        /// <summary>Only for a new product: units to begin with, 0 when absent. Later, adjust the stock.</summary>
        public int? Total { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPut(ShowProduct.Path, Handle)
        .WithName(nameof(PutProduct))
        .WithTags("Products")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Create or change a product")
        .WithDescription("With If-None-Match: * it creates a product. With If-Match and the ETag that was read it "
            + "changes name and limit; a change that was made meanwhile is not overwritten. A retry "
            + "needs no key: if the first attempt took effect, the retry is refused with 412.")
        .MayBeRepeated()
        .TakesHeader("If-Match", "The ETag that was read, to change a product.")
        .TakesHeader("If-None-Match", "* to create a product.")
        .Takes<Request>()
        .Answers<ProductView>(StatusCodes.Status200OK, "The product as it is now.")
        .Answers<ProductView>(StatusCodes.Status201Created, "The new product.")
        .Refuses(Problem.PreconditionFailed, Problem.PreconditionRequired, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string sku, LedgerContext context, LevelStore levels, StockCircuit circuit,
        ProductPublisher window)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.PutProductRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var headers = http.Request.Headers;
        var creates = headers.IfNoneMatch.Count > 0;
        if (Check(sku, incoming.Value, headers, creates) is { } invalid) return invalid;
        if (!creates && headers.IfMatch.Count == 0)
        {
            return Refusal.Of(Problem.PreconditionRequired,
                "Send If-Match with the ETag that was read, or If-None-Match: * for a new product.");
        }

        var (state, refusal) = creates
            ? await LedgerCalls.RunAsync(() => CreateAsync(context, sku, incoming.Value, http.RequestAborted))
            : await LedgerCalls.RunAsync(() => ChangeAsync(context, sku, incoming.Value, headers, http.RequestAborted));
        if (refusal is not null) return refusal;
        await window.ShowAsync(state!);
        var status = creates ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        return await ProductView.AnswerAsync(http, status, state!, levels, circuit);
    }

    private static Refusal? Check(string sku, Request request, IHeaderDictionary headers, bool creates)
    {
        var errors = new FieldErrors();
        errors.CheckSku("sku", sku);
        if (!IsText(request.Name, Product.MaxNameLength))
        {
            errors.Add("name", request.Name is null ? FieldErrors.Required : TextRule);
        }
        if (request.MaxPerCustomer < 1) errors.Add("maxPerCustomer", "must be 1 or more, or absent for no limit");
        if (request.Total < 0) errors.Add("total", "must be 0 or more");
        if (request.Total is not null && !creates)
        {
            errors.Add("total", "is only for a new product, which takes If-None-Match: *; adjust the stock otherwise");
        }
        if (creates && headers.IfNoneMatch is not ["*"]) errors.Add("If-None-Match", "must be * here");
        if (headers.IfMatch.Count > 0 && creates) errors.Add("If-Match", "excludes If-None-Match");
        // Not *, which would replace a state that the client has not read.
        else if (headers.IfMatch.Count > 0 && !AreTags(headers.IfMatch))
        {
            errors.Add("If-Match", "must be the ETag that was read, in its quotes");
        }
        return errors.ToRefusal();
    }

    private static bool AreTags(StringValues values) =>
        EntityTagHeaderValue.TryParseStrictList(values, out var tags) && !tags.Contains(EntityTagHeaderValue.Any);

    /// <summary>Whether it is readable text: not blank, and without control characters.</summary>
    internal static bool IsText(string? text, int maxLength) =>
        !string.IsNullOrWhiteSpace(text) && text.Length <= maxLength && !text.Any(char.IsControl);

    private static async Task<(ProductState? State, Refusal? Refusal)> CreateAsync(
        LedgerContext context, string sku, Request request, CancellationToken stop)
    {
        await using var transaction = await context.Database.BeginTransactionAsync(stop);
        var inserted = await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO products (sku_id, name, max_per_customer)
            VALUES ({sku}, {request.Name}, {request.MaxPerCustomer})
            ON CONFLICT DO NOTHING
            """, stop);
        if (inserted == 0)
        {
            var exists = Refusal.Of(Problem.PreconditionFailed, $"There is a product {sku} already.");
            return (null, exists with { Sku = sku });
        }

        var total = request.Total ?? 0;
        context.Inventory.Add(new() { SkuId = sku, Total = total });
        if (total > 0)
        {
            context.Movements.Add(new()
            {
                SkuId = sku,
                Quantity = total,
                Reason = InitialReason,
                Reference = InitialReference,
                TotalAfter = total,
                VersionAfter = 1,
            });
        }
        await context.SaveChangesAsync(stop);
        var state = await ProductState.ReadAsync(context, sku, stop);
        await transaction.CommitAsync(stop);
        return (state, null);
    }

    private static async Task<(ProductState? State, Refusal? Refusal)> ChangeAsync(
        LedgerContext context, string sku, Request request, IHeaderDictionary headers, CancellationToken stop)
    {
        await using var transaction = await context.Database.BeginTransactionAsync(stop);
        var state = await ProductState.LockAsync(context, sku, stop);
        var expected = EntityTagHeaderValue.ParseStrictList(headers.IfMatch);
        // The row is locked, so it can't change between this comparison and the update. A weak tag never matches.
        if (state is null || !expected.Any(tag => !tag.IsWeak && tag.Tag == ProductView.ETag(state)))
        {
            var detail = state is null
                ? $"There is no product {sku}."
                : $"The product {sku} or its total has been changed since it was read. Nothing was overwritten.";
            return (null, Refusal.Of(Problem.PreconditionFailed, detail) with { Sku = sku });
        }
        if (state.Name == request.Name && state.Limit == request.MaxPerCustomer) return (state, null);

        await context.Products.Where(product => product.SkuId == sku).ExecuteUpdateAsync(
            set => set.SetProperty(product => product.Name, request.Name)
                .SetProperty(product => product.MaxPerCustomer, request.MaxPerCustomer),
            stop);
        state = await ProductState.ReadAsync(context, sku, stop);
        await transaction.CommitAsync(stop);
        return (state, null);
    }
}
