using System.Diagnostics;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Reservations;

/// <summary>POST /api/reservations: hold stock for a customer while they pay, every line or none.</summary>
public static class Reserve
{
    internal const string Path = "/api/reservations";

    /// <summary>
    /// What to hold and for whom: customerId and items, or in one line productId, userId and quantity.
    /// </summary>
    /// <example>{"customerId":"user-1","items":[{"sku":"sku-123","quantity":2}],"ttlSeconds":600}</example>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>
        /// The customer: 1 to 128 printable characters in form C (NFC), 256 bytes at most. Ignored for shoppers'
        /// sessions.
        /// </summary>
        /// <example>user-1</example>
        public string? CustomerId { get; init; }

        /// <summary>What to hold, 1 to 100 lines. Lines of one SKU are added up.</summary>
        public IReadOnlyList<Item?>? Items { get; init; }

        /// <summary>One-line form: the SKU.</summary>
        public string? ProductId { get; init; }

        /// <summary>One-line form: the customer.</summary>
        public string? UserId { get; init; }

        /// <summary>One-line form: units, 1 or more.</summary>
        public int? Quantity { get; init; }

        /// <summary>How long to hold, 1 to 3600 seconds; 600 when absent.</summary>
        /// <example>600</example>
        public int? TtlSeconds { get; init; }

        /// <summary>
        /// The client's own id for the reservation. Sending the same id and lines again returns the reservation while
        /// it is active, and how it ended for 24 hours after its end, unless the shop has set another time.
        /// </summary>
        public Guid? ReservationId { get; init; }

        /// <summary>
        /// When the customer has an active reservation of one of the SKUs: "refuse" (the default), or "replace" to swap
        /// it for this one in one step. The longest lifetime counts from the first of them.
        /// </summary>
        /// <example>refuse</example>
        public string? OnExisting { get; init; }

        internal bool IsOneLine => Items is null && CustomerId is null && (ProductId ?? UserId) is not null;
    }

    /// <summary>One line of a request.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Item
    {
        /// <summary>The SKU: 1 to 64 printable characters in form C (NFC), 128 bytes at most.</summary>
        /// <example>sku-123</example>
        public string? Sku { get; init; }

        /// <summary>Units, 1 or more.</summary>
        /// <example>2</example>
        public int? Quantity { get; init; }
    }

    /// <summary>The reservation, and the stock that is left after a new one.</summary>
    public sealed record Response : ReservationView
    {
        internal Response(Reservation reservation, DateTimeOffset now, RemainingStock? remaining)
            : base(reservation, now) =>
            RemainingStock = remaining;

        /// <inheritdoc cref="Reservations.RemainingStock"/>
        [JsonPropertyOrder(1)] public RemainingStock? RemainingStock { get; }
    }

    /// <summary>One reservation's answer: a view or a problem.</summary>
    internal readonly record struct Answer(int Status, Response? Reservation, Refusal? Refusal);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost(Path, Handle)
        .WithName(nameof(Reserve))
        .WithTags("Reservations")
        .ForShoppersAnd(Scopes.Reserve)
        .MayBeShed(Priority.Reserving)
        .WithSummary("Hold stock for a customer")
        .WithDescription("Holds every line or none until the deadline. 201 for a new hold, 200 with the reservation as "
            + "it is when this reservationId was used for the same request before. Answers to new holds have "
            + "remainingStock: a list of {sku, available} for a request with items, a number for the one-line form. "
            + "While stock can't be decided, 202 with a ticket for the waiting queue.")
        .Takes<Request>()
        .Answers<Response>(StatusCodes.Status201Created, "Held. The Location header has its address.")
        .Answers<Response>(StatusCodes.Status200OK, "Held before, or ended: the reservation as it is.")
        .Answers<TicketView>(StatusCodes.Status202Accepted, "A place in the waiting queue; Location has its address.")
        .Refuses(Problem.UnknownSku, Problem.InsufficientStock, Problem.ActiveReservationExists, Problem.LimitExceeded,
            Problem.SkuPaused, Problem.ReservationIdReused, Problem.AlreadyWaiting, Problem.QueueFull,
            Problem.ProofOfWorkRequired);

    internal static async Task<IResult> Handle(
        HttpContext http, HoldStore holds, QueueAdmission room, IOptions<ReservationOptions> options)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ReserveRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var (request, idempotency, _) = incoming;
        var caller = Caller.Of(http);
        if (Check(request, caller, options.Value) is { } invalid) return invalid;

        var ask = ToEngine(request, caller, options.Value, idempotency);
        var form = request.IsOneLine ? IntentForm.OneLine : IntentForm.Items;
        var (answer, instead) = await room.AskAsync(
            http, new(form, ask, request.ReservationId is not null),
            () => holds.ReserveAsync(ask),
            answer => answer.Outcome == ReserveOutcome.Fenced);
        if (answer is null) return instead!;

        IdempotencyKey.MarkReplayed(http, answer.Replayed);
        new UnitsTaken().Add(answer).TellGateway(http);
        var (status, reservation, refusal) = Understand(answer, request.IsOneLine);
        if (reservation is null) return refusal!;
        if (status == StatusCodes.Status201Created)
        {
            http.Response.Headers.Location = $"{Path}/{reservation.ReservationId:D}";
        }
        return JsonAnswer.Of(status, reservation, ApiJson.Default.ReserveResponse);
    }

    /// <summary>Checks every rule that doesn't depend on stock; null when all are kept.</summary>
    internal static Refusal? Check(Request request, Caller caller, ReservationOptions options)
    {
        var errors = new FieldErrors();
        if (request.IsOneLine)
        {
            errors.CheckSku("productId", request.ProductId);
            if (caller.Shopper is null) errors.CheckHolderId("userId", request.UserId);
            errors.CheckQuantity("quantity", request.Quantity);
        }
        else
        {
            CheckItemsForm(request, caller, options.MaxLines, ref errors);
        }
        if (request.TtlSeconds is not null) errors.CheckSeconds("ttlSeconds", request.TtlSeconds, options.LongestHold);
        if (request.ReservationId == Guid.Empty) errors.Add("reservationId", "must not be all zeros");
        if (request.OnExisting is not (null or "refuse" or "replace"))
        {
            errors.Add("onExisting", "must be \"refuse\" or \"replace\"");
        }
        return errors.ToRefusal();
    }

    private static void CheckItemsForm(Request request, Caller caller, int maxLines, ref FieldErrors errors)
    {
        const string OtherForm =
            "belongs to the one-line form: send customerId and items, or productId, userId and quantity";
        if (request.ProductId is not null) errors.Add("productId", OtherForm);
        if (request.UserId is not null) errors.Add("userId", OtherForm);
        if (request.Quantity is not null) errors.Add("quantity", OtherForm);
        if (caller.Shopper is null) errors.CheckHolderId("customerId", request.CustomerId);
        if (request.Items is not { } items)
        {
            errors.Add("items", FieldErrors.Required);
            return;
        }
        if (items.Count < 1 || items.Count > maxLines)
        {
            errors.Add("items", $"must have 1 to {maxLines} lines");
            return;
        }
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is { } item && Names.IsSku(item.Sku) && item.Quantity >= 1) continue;
            errors.CheckSku($"items[{i}].sku", items[i]?.Sku);
            errors.CheckQuantity($"items[{i}].quantity", items[i]?.Quantity);
        }
        if (!errors.Any && items.Count > 1 && SomeSkuOverflows(items))
        {
            errors.Add("items", $"must not have more than {int.MaxValue} units of one SKU");
        }
    }

    private static bool SomeSkuOverflows(IReadOnlyList<Item?> items) =>
        items.Sum(item => (long)item!.Quantity!.Value) > int.MaxValue
        && items.GroupBy(item => item!.Sku).Any(same => same.Sum(item => (long)item!.Quantity!.Value) > int.MaxValue);

    /// <summary>A checked request in the form that Redis takes.</summary>
    internal static ReserveRequest ToEngine(
        Request request, Caller caller, ReservationOptions options, Idempotency? idempotency)
    {
        return new()
        {
            Id = request.ReservationId ?? Guid.CreateVersion7(),
            Holder = caller.Customer(request.IsOneLine ? request.UserId : request.CustomerId),
            Lines = request.IsOneLine
                ? [new(request.ProductId!, request.Quantity!.Value)]
                : [.. request.Items!.Select(item => new Line(item!.Sku!, item.Quantity!.Value))],
            HoldFor = request.TtlSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : options.DefaultHold,
            OnExisting = request.OnExisting == "replace" ? OnExisting.Replace : options.OnExisting,
            IsShopper = caller.Shopper is not null,
            Idempotency = idempotency,
        };
    }

    /// <summary>
    /// Redis' answer in terms of HTTP. A function of the answer alone, so that a replay gives the same bytes.
    /// </summary>
    internal static Answer Understand(ReserveAnswer answer, bool oneLine)
    {
        Answer View(int status, RemainingStock? remaining) =>
            new(status, new Response(answer.Reservation!, answer.DecidedAt, remaining), null);
        static Answer Refuse(Refusal refusal) => new(refusal.Status, null, refusal);

        return answer.Outcome switch
        {
            ReserveOutcome.Held => View(StatusCodes.Status201Created, new(answer.Available, oneLine)),
            ReserveOutcome.AlreadyHeld or ReserveOutcome.Ended => View(StatusCodes.Status200OK, null),
            ReserveOutcome.Insufficient =>
                Refuse(Refusal.Insufficient(answer.Available).WithConflictingReservation(answer.Reservation)),
            ReserveOutcome.UnknownSku => Refuse(Refusal.UnknownSku(answer.Sku)),
            ReserveOutcome.ActiveReservationExists =>
                Refuse(Refusal.ActiveReservationExists(answer.Sku, answer.Reservation!)),
            ReserveOutcome.LimitExceeded =>
                Refuse(Refusal.LimitExceeded(answer.Sku, answer.Limit, answer.Units)
                    .WithConflictingReservation(answer.Reservation)),
            ReserveOutcome.Paused => Refuse(Refusal.Paused(answer.Sku)),
            ReserveOutcome.IdReused => Refuse(Refusal.Of(Problem.ReservationIdReused,
                "This reservationId was used for other lines or by another customer.")),
            ReserveOutcome.KeyReused => Refuse(Refusal.KeyReused()),
            ReserveOutcome.Fenced => Refuse(Refusal.Fenced()),
            _ => throw new UnreachableException($"Redis answered {answer.Outcome}, which no caller should see."),
        };
    }
}
