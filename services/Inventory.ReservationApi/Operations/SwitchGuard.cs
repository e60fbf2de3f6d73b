using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Products;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Operations;

/// <summary>PUT /api/operations/guard/skus/{sku}: an operator switches the guard for a SKU.</summary>
public static class SwitchGuard
{
    private const int MaxReasonLength = 200;

    private static readonly string[] Modes = [GuardModes.On, GuardModes.Off, GuardModes.Automatic];

    /// <summary>The decision.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>on, off or automatic.</summary>
        /// <example>on</example>
        public string? Mode { get; init; }

        /// <summary>The reason, for other operators: 1 to 200 characters.</summary>
        /// <example>Sale opens at noon</example>
        public string? Reason { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPut(ShowGuard.Path + "/skus/{sku}", Handle)
        .WithName(nameof(SwitchGuard))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .MayBeRepeated()
        .WithSummary("Switch the guard for a SKU")
        .WithDescription("on: each reservation of it needs a proof of work, until it is switched again. off: it is "
            + "never tightened. automatic: the guard decides, as it does for all others. Gateways follow within a "
            + "second. A switch survives restarts; when Redis has lost its data, every SKU is automatic again.")
        .Takes<Request>()
        .Answers<GuardSwitch>(StatusCodes.Status200OK, "The mode of the SKU now.")
        .Refuses();

    internal static async Task<IResult> Handle(HttpContext http, string sku, GuardRecord guard)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.SwitchGuardRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var (mode, reason) = (incoming.Value.Mode, incoming.Value.Reason);
        var errors = new FieldErrors();
        errors.CheckSku("sku", sku);
        if (!Modes.Contains(mode))
        {
            errors.Add("mode", mode is null ? FieldErrors.Required : "must be one of " + string.Join(", ", Modes));
        }
        if (!PutProduct.IsText(reason, MaxReasonLength))
        {
            errors.Add("reason", reason is null
                ? FieldErrors.Required
                : $"must have 1 to {MaxReasonLength} characters, not all of them spaces, and no control characters");
        }
        if (errors.ToRefusal() is { } invalid) return invalid;

        var decided = await guard.SwitchAsync(sku, mode!, Caller.Of(http).Name, reason!);
        return JsonAnswer.Of(StatusCodes.Status200OK, decided, ApiJson.Default.GuardSwitch);
    }
}
