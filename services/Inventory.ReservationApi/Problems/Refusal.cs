using System.Diagnostics;
using System.Globalization;
using System.Net.Mime;
using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Stock;

namespace Inventory.ReservationApi.Problems;

/// <summary>
/// One occurrence of a <see cref="ProblemType"/> as problem details (RFC 9457). Members that a type doesn't have are
/// absent from its body.
/// </summary>
public sealed record Refusal : IResult
{
    internal const string MediaType = MediaTypeNames.Application.ProblemJson;

    private Refusal(ProblemType kind, string detail) => (Kind, Detail) = (kind, detail);

    /// <summary>The kind of problem.</summary>
    [JsonIgnore] public ProblemType Kind { get; }

    /// <summary>Names the kind of problem and leads to its page.</summary>
    /// <example>/problems/insufficient-stock</example>
    public string Type => Kind.Uri;

    /// <summary>The kind of problem in a few words.</summary>
    /// <example>Not enough stock</example>
    public string Title => Kind.Title;

    /// <summary>The HTTP status.</summary>
    /// <example>409</example>
    public int Status => Kind.Status;

    /// <summary>What is wrong in this case, for people.</summary>
    public string Detail { get; }

    /// <summary>The path that was asked for.</summary>
    /// <example>/api/reservations</example>
    public string? Instance { get; private init; }

    /// <summary>
    /// Finds this request in logs and traces. Absent where the request has an Idempotency-Key, because its answer is
    /// repeated byte for byte; the Trace-Id header always has it.
    /// </summary>
    public string? TraceId { get; private init; }

    /// <summary>For validation: the rules that are broken, by field.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>For insufficient-stock: what was asked for and what there is.</summary>
    public IReadOnlyList<Shortage>? Available { get; init; }

    /// <summary>The SKU it is about, where it is about one.</summary>
    public string? Sku { get; init; }

    /// <summary>The reservation it is about.</summary>
    public Guid? ReservationId { get; init; }

    /// <summary>That reservation's state.</summary>
    public string? ReservationStatus { get; init; }

    /// <summary>That reservation's deadline, UTC.</summary>
    public DateTime? ExpiresAt { get; init; }

    /// <summary>What to send instead.</summary>
    public string? Hint { get; init; }

    /// <summary>
    /// For limit-exceeded: units of the SKU that one customer may have, or one shopper may hold unpaid.
    /// </summary>
    public long? Limit { get; init; }

    /// <summary>
    /// For limit-exceeded: the units that count towards it. Bought ones count towards a customer's limit alone.
    /// </summary>
    public long? Units { get; init; }

    /// <summary>For already-waiting: of the shopper's waiting tickets the one that is decided first.</summary>
    public string? Ticket { get; init; }

    /// <summary>For scope-missing: the scope that a key needs here.</summary>
    public string? RequiredScope { get; init; }

    /// <summary>Seconds after which another attempt makes sense; also in the Retry-After header.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>One SKU of which there is too little.</summary>
    /// <param name="Sku">The SKU.</param>
    /// <param name="Requested">Units asked for.</param>
    /// <param name="Available">Units that could be held.</param>
    public sealed record Shortage(string Sku, int Requested, int Available);

    internal static Refusal Of(ProblemType kind, string detail) => new(kind, detail);

    internal static Refusal Invalid(string field, string rule) =>
        Invalid(new Dictionary<string, string[]> { [field] = [rule] });

    internal static Refusal Invalid(IReadOnlyDictionary<string, string[]> errors) =>
        new(Problem.Validation, "Nothing was changed. The fields in `errors` break the rules given there.")
        {
            Errors = errors,
        };

    internal static Refusal ScopeMissing(Scopes scope, bool toShopper) => new(Problem.ScopeMissing, toShopper
        ? $"This call is not for shoppers: it needs a key with the scope {scope.Name()}. Nothing was done."
        : $"This call needs a key with the scope {scope.Name()}, which this one lacks. Nothing was done.")
    { RequiredScope = scope.Name() };

    internal static Refusal UnknownSku(string? sku) =>
        new(Problem.UnknownSku, $"No SKU {sku} is on sale here.") { Sku = sku };

    internal static Refusal Paused(string? sku) => new(Problem.SkuPaused, $"Sale of {sku} is paused.") { Sku = sku };

    internal static Refusal Insufficient(IReadOnlyList<LineAvailability> lines)
    {
        var shortages = lines.Select(line => new Shortage(line.Sku, line.Requested, line.Available)).ToList();
        var worst = shortages.Find(line => line.Available < line.Requested) ?? shortages[0];
        return new(Problem.InsufficientStock,
            $"{worst.Requested} of {worst.Sku} were asked for, and {worst.Available} are available. Nothing was held.")
        {
            Available = shortages,
        };
    }

    internal static Refusal LimitExceeded(string? sku, long limit, long units) =>
        new(Problem.LimitExceeded, $"The limit for {sku} is {limit} units, and {units} count towards it.")
        {
            Sku = sku,
            Limit = limit,
            Units = units,
        };

    internal static Refusal ActiveReservationExists(string? sku, Reservation reservation) =>
        new Refusal(Problem.ActiveReservationExists, $"The customer has an active reservation of {sku}.") { Sku = sku }
            .WithConflictingReservation(reservation);

    internal static Refusal KeyReused() =>
        new(Problem.IdempotencyKeyReused, "This Idempotency-Key came with another request before.");

    /// <param name="kind">One of the problems that are about a reservation's state.</param>
    /// <param name="detail">What is wrong.</param>
    /// <param name="reservation">The reservation as it is.</param>
    internal static Refusal About(ProblemType kind, string detail, Reservation reservation) => new(kind, detail)
    {
        ReservationId = reservation.Id,
        ReservationStatus = reservation.Status.Word(),
        ExpiresAt = reservation.ExpiresAt.UtcDateTime,
    };

    /// <summary>Names the holder's own reservation that blocks the request, so that the holder learns of it.</summary>
    internal Refusal WithConflictingReservation(Reservation? own) => own is null ? this : this with
    {
        ReservationId = own.Id,
        ReservationStatus = own.Status.Word(),
        ExpiresAt = own.ExpiresAt.UtcDateTime,
        Hint = "Send onExisting: \"replace\" to release this reservation and hold the new one in the same step.",
    };

    /// <summary>For a hold that is being confirmed.</summary>
    internal static Refusal Confirming(Reservation reservation) =>
        About(Problem.HoldConfirming, "The hold is being confirmed.", reservation);

    /// <summary>For a reservation that has ended in another way than was asked for.</summary>
    internal static Refusal Ended(Reservation reservation) => reservation.Status == Stock.ReservationStatus.Expired
        ? About(Problem.HoldExpired, "The hold has expired, and its units are available again.", reservation)
        : About(Problem.ReservationEnded, $"The reservation has been {reservation.Status.Word()} before.", reservation);

    /// <summary>For a fenced partition: Redis has changed nothing.</summary>
    internal static Refusal Fenced() => new(Problem.StockUnavailable,
        "Stock is being checked after a failure. Nothing was changed; try again shortly.")
    { RetryAfterSeconds = 2 };

    /// <summary>
    /// For a SKU that is being repaired, or a SKU or hold with corrupt data in Redis. A repair takes some milliseconds,
    /// and the audit looks for what needs one every five seconds.
    /// </summary>
    /// <param name="what">The SKU, or - where it is unknown, and what is wrong with it.</param>
    internal static Refusal StockUnreadable(string what) => new(Problem.StockUnreadable,
        $"Data in the stock store can't be read: {what}. Nothing was changed.")
    { RetryAfterSeconds = 5 };

    /// <summary>For a call that was not sent, because the circuit is open.</summary>
    internal static Refusal StockUnavailable() => new(Problem.StockUnavailable,
        "The stock store is unavailable. Nothing was changed; try again shortly.")
    { RetryAfterSeconds = 2 };

    /// <summary>For a call that can't wait in the queue, about a SKU with waiting tickets.</summary>
    internal static Refusal Queued() => new(Problem.StockUnavailable,
        "Earlier requests wait for a SKU of this request. Nothing was changed; try again shortly.")
    { RetryAfterSeconds = 2 };

    /// <summary>For an unavailable Redis and a full waiting queue.</summary>
    internal static Refusal QueueFull(int capacity) => new(Problem.QueueFull,
        $"{capacity} requests wait already, which is the most. Nothing was changed.")
    { RetryAfterSeconds = 30 };

    /// <summary>For an unavailable Redis and a shopper with as many tickets as one may have.</summary>
    /// <param name="ticket">Of these tickets the one that is decided first.</param>
    /// <param name="most">The most tickets of one shopper.</param>
    internal static Refusal ShopperWaits(string ticket, int most) => new(Problem.AlreadyWaiting,
        $"{most} of your requests wait in the queue already, which is the most. Nothing was changed.")
    {
        Ticket = ticket,
        Hint = $"Follow GET {ShowTicket.Path}/{ticket} and send the request again when it is decided, or cancel it "
            + $"with DELETE {ShowTicket.Path}/{ticket} first.",
    };

    /// <summary>For a call without an answer: Redis may have executed it.</summary>
    internal static Refusal OutcomeUnknown() => new(Problem.StockUnavailable,
        "The stock store did not answer, so the outcome is unknown. Retrying with the same Idempotency-Key or "
            + "reservationId is safe: "
        + "it returns what has happened, or does it now. Without either, a retry may hold stock twice.")
    { RetryAfterSeconds = 1 };

    /// <summary>For a call without an answer: PostgreSQL may have written the order.</summary>
    internal static Refusal OrdersUnavailable() => new(Problem.OrdersUnavailable,
        "The store of orders did not answer, so the outcome is unknown. Confirming again is safe.")
    { RetryAfterSeconds = 2 };

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers[InventoryHeaders.TraceId] = TraceOf(httpContext);
        if (RetryAfterSeconds is { } seconds)
        {
            httpContext.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }
        return JsonAnswer.WriteAsync(httpContext, Status, In(httpContext), ApiJson.Default.Refusal, MediaType);
    }

    /// <summary>This problem as the body of an answer to <paramref name="http"/>.</summary>
    internal Refusal In(HttpContext http) => this with
    {
        Instance = http.Request.Path.Value,
        TraceId = http.Request.Headers.ContainsKey(InventoryHeaders.IdempotencyKey) ? null : TraceOf(http),
    };

    /// <summary>This problem for a request to <paramref name="path"/> that is answered later, from the queue.</summary>
    internal Refusal At(string path) => this with { Instance = path };

    private static string TraceOf(HttpContext http) => Activity.Current?.TraceId.ToHexString() ?? http.TraceIdentifier;
}
