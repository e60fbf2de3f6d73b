using System.Diagnostics;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Products;

/// <summary>POST /api/products/{sku}/adjustments: adds or takes units, with a movement that says why.</summary>
public static class AdjustStock
{
    private const string ReferenceRule =
        "must have 1 to 256 characters, not all of them spaces, and no control characters";

    private static readonly string[] Reasons = ["received", "counted", "returned", "damaged", "lost", "correction"];

    /// <summary>The adjustment.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>Units to add, or to take when below 0; not 0.</summary>
        /// <example>20</example>
        public int? Quantity { get; init; }

        /// <summary>received, counted, returned, damaged, lost or correction.</summary>
        /// <example>received</example>
        public string? Reason { get; init; }

        /// <summary>The document behind it: a delivery note, a stocktaking.</summary>
        /// <example>delivery 4711</example>
        public string? Reference { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes
        .MapPost(ShowProduct.Path + "/adjustments", Handle)
        .WithName(nameof(AdjustStock))
        .WithTags("Products")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Add or take units")
        .WithDescription("Changes the total and writes the movement that explains it, both or neither. Units on hold "
            + "may be taken too: their holds stay, and can't all be confirmed.")
        .Takes<Request>()
        .Answers<MovementView>(StatusCodes.Status201Created, "The movement, with the total after it.")
        .Refuses(Problem.UnknownSku, Problem.TotalOutOfRange, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string sku, LedgerContext context, ProductPublisher window)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.AdjustStockRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var request = incoming.Value;
        if (Check(sku, request) is { } invalid) return invalid;

        var adjustment = new StockAdjustment(sku, request.Quantity!.Value, request.Reason!, request.Reference!)
        {
            Key = incoming.Idempotency?.Key,
            Fingerprint = incoming.Idempotency?.Fingerprint,
        };
        var answer = await adjustment.ApplyAsync(context, http.RequestAborted);
        switch (answer.Outcome)
        {
            case AdjustmentOutcome.UnknownSku:
                return Refusal.UnknownSku(sku);
            case AdjustmentOutcome.KeyReused:
                return Refusal.KeyReused();
            case AdjustmentOutcome.OutOfRange:
                return Refusal.Of(Problem.TotalOutOfRange,
                    $"The total of {sku} is {answer.Total}; adding {request.Quantity} would exceed its range.")
                with
                { Sku = sku };
            case AdjustmentOutcome.Adjusted or AdjustmentOutcome.Repeated:
                // This state may be newer than the adjustment, which does no harm.
                var state = await ProductState.ReadAsync(context, sku, http.RequestAborted);
                await window.ShowAsync(state!);
                IdempotencyKey.MarkReplayed(http, answer.Outcome == AdjustmentOutcome.Repeated);
                var view = new MovementView(answer.Movement!);
                return JsonAnswer.Of(StatusCodes.Status201Created, view, ApiJson.Default.MovementView);
            default:
                throw new UnreachableException($"The ledger answered {answer.Outcome}.");
        }
    }

    private static Refusal? Check(string sku, Request request)
    {
        var errors = new FieldErrors();
        errors.CheckSku("sku", sku);
        if (request.Quantity is null or 0)
        {
            errors.Add("quantity", request.Quantity is null ? FieldErrors.Required : "must not be 0");
        }
        if (!Reasons.Contains(request.Reason))
        {
            errors.Add("reason",
                request.Reason is null ? FieldErrors.Required : "must be one of " + string.Join(", ", Reasons));
        }
        if (!PutProduct.IsText(request.Reference, InventoryMovement.MaxReferenceLength))
        {
            errors.Add("reference", request.Reference is null ? FieldErrors.Required : ReferenceRule);
        }
        return errors.ToRefusal();
    }
}
