namespace Inventory.ReservationApi.Problems;

/// <summary>One kind of problem, as clients may tell it from others.</summary>
/// <param name="Slug">The last part of its URI: lower-case words and hyphens. Never changes once published.</param>
/// <param name="Status">The HTTP status it comes with.</param>
/// <param name="Title">A few words, the same at every occurrence.</param>
/// <param name="Meaning">What has happened, for the page behind the URI.</param>
/// <param name="Remedy">What a client does about it.</param>
public sealed record ProblemType(string Slug, int Status, string Title, string Meaning, string Remedy)
{
    /// <summary>
    /// What stands in <c>type</c>: a reference that leads to this type's page on whatever host served it.
    /// </summary>
    public string Uri { get; } = ProblemPages.Path + "/" + Slug;
}

/// <summary>
/// Every problem that this API or the gateway in front of it answers with. The pages under <c>/problems</c> and the API
/// description are made from this list, so a type that is not here has no page.
/// </summary>
public static class Problem
{
    // What was asked can't be understood, or breaks a rule that doesn't depend on stock.

    public static readonly ProblemType Validation = new("validation", 400, "The request breaks a rule",
        "The body, a part of the path or a header is readable, but a value in it is missing, unknown or out of range.",
        "Read `errors`: it names each field and its rule. Nothing was changed; sending the same request again won't "
            + "help.");

    public static readonly ProblemType MalformedRequest = new("malformed-request", 400, "The request can't be read",
        "The request isn't what HTTP or JSON allow: the body is empty, cut short, or not JSON.",
        "Correct the request; `detail` says where reading stopped. Nothing was changed.");

    public static readonly ProblemType AuthenticationRequired = new(
        "authentication-required", 401, "Say who is calling",
        "The call came without a key, or with one that isn't known here. A wrong key is refused even where none is "
            + "needed. Nothing was changed.",
        "Send the key in `X-Api-Key`. Shoppers come through the gateway, which gives them a session.");

    public static readonly ProblemType ScopeMissing = new("scope-missing", 403, "Not with this key",
        "The caller is known and may not do this: a key may do what its scopes say, and a shopper what concerns their "
            + "own reservations. Nothing was changed.",
        "Use a key with the scope in `requiredScope`.");

    public static readonly ProblemType ProofOfWorkRequired = new(
        "proof-of-work-required", 403, "A proof of work is needed",
        "Units are being taken as fast as only machines take them, so the gateway asks each shopper for a little work "
            + "first. The request brought no solution, or one that is wrong, expired, another shopper's or used "
            + "before: `reason` says which. Nothing was done.",
        "Solve `challenge`, as ALTCHA's widget does, and send the request again with the solution in "
            + "`X-Proof-Of-Work`. /api/challenge gives out more. Callers with a key are not asked.");

    public static readonly ProblemType NotFound = new("not-found", 404, "Nothing is at this address",
        "No resource of this API has this path.",
        "Compare the path with the API description at /openapi/v1.json.");

    public static readonly ProblemType MethodNotAllowed = new("method-not-allowed", 405, "Not with this method",
        "The path exists, but not for this HTTP method.",
        "Use one of the methods that the `Allow` header names.");

    public static readonly ProblemType RequestTimeout = new("request-timeout", 408, "The request came too slowly",
        "The body did not arrive in time.",
        "Send it again. Nothing was changed.");

    public static readonly ProblemType PayloadTooLarge = new("payload-too-large", 413, "The body is too large",
        "Request bodies may have 64 KiB. Not even a full batch of reservations comes near that.",
        "Send less, or split a batch.");

    public static readonly ProblemType UriTooLong = new("uri-too-long", 414, "The path or query is too long",
        "The request line has more than the server reads: 4 KiB at the gateway.",
        "Send less in the query. No path of this API comes near that.");

    public static readonly ProblemType HeadersTooLarge = new("headers-too-large", 431, "The headers are too large",
        "The request has more headers, or larger ones, than the server reads: 64 of them and 16 KiB at the gateway.",
        "Send fewer or shorter headers; often it is cookies that have piled up.");

    public static readonly ProblemType UnsupportedMediaType = new(
        "unsupported-media-type", 415, "Not this kind of body",
        "The body isn't labelled as JSON in UTF-8, or it is compressed.",
        "Send `Content-Type: application/json` and no `Content-Encoding`.");

    public static readonly ProblemType IdempotencyKeyReused = new(
        "idempotency-key-reused", 422, "The key belongs to another request",
        "This Idempotency-Key came with another request (method, path or body) within the time that keys are "
            + "remembered.",
        "Use a fresh key for a new request, and the same body byte for byte for a retry.");

    public static readonly ProblemType ReservationIdReused = new(
        "reservation-id-reused", 422, "The id belongs to another reservation",
        "This reservationId was used for other lines or by another customer.",
        "Use a fresh UUID for a new reservation.");

    // The stock says no. The same request may succeed later.

    public static readonly ProblemType UnknownSku = new("unknown-sku", 404, "No such SKU",
        "The SKU isn't on sale here.",
        "Check the SKU in `sku`. A product that was added just now appears within a second.");

    public static readonly ProblemType InsufficientStock = new("insufficient-stock", 409, "Not enough stock",
        "A line asks for more units than are available. Nothing was held: a reservation is held whole or not at all.",
        "Ask for no more than `available` says for each SKU, or try again later: holds that run out come back on "
            + "sale.");

    public static readonly ProblemType ActiveReservationExists = new(
        "active-reservation-exists", 409, "The customer holds this SKU already",
        "The customer has an active reservation of a SKU that was asked for; the answer names it.",
        "Use the reservation in `reservationId`, release it, or send `onExisting: \"replace\"` to swap it for the new "
            + "one in one step.");

    public static readonly ProblemType LimitExceeded = new("limit-exceeded", 409, "More than one customer may have",
        "The customer would have more units of the SKU, held and bought, than its limit per customer allows.",
        "Ask for no more than `limit` less `units`.");

    public static readonly ProblemType SkuPaused = new("sku-paused", 409, "Sale is paused",
        "The SKU isn't sold at the moment. Holds that exist stay valid.",
        "Try again when sale has been resumed.");

    // The reservation is not in a state for what was asked.

    public static readonly ProblemType ReservationNotFound = new("reservation-not-found", 404, "No such reservation",
        "No reservation has this id, or it ended so long ago that it is no longer remembered.",
        "Check the id; reserve again if the stock is still wanted.");

    public static readonly ProblemType HoldExpired = new("hold-expired", 409, "The hold has run out",
        "The reservation reached its deadline, and its units are back on sale. Nothing brings it back.",
        "Reserve again.");

    public static readonly ProblemType ReservationEnded = new("reservation-ended", 409, "The reservation has ended",
        "The reservation was released or confirmed before; `reservationStatus` says which. It ends exactly once.",
        "Reserve again if stock is still wanted.");

    public static readonly ProblemType HoldConfirming = new("hold-confirming", 409, "The hold is becoming an order",
        "The reservation is being confirmed, so it can be neither changed nor given back.",
        "Wait a moment and read the reservation: it will be confirmed, or pending again.");

    public static readonly ProblemType LifetimeCapped = new("lifetime-capped", 409, "The hold can't get older",
        "The reservation has its longest lifetime already, extensions included.",
        "Confirm it before `expiresAt`.");

    public static readonly ProblemType NotCovered = new("not-covered", 409, "The units are gone",
        "The total of the SKU in `sku` was lowered below what is held, so the hold can't become an order.",
        "Release the hold, or confirm again when units have been added.");

    public static readonly ProblemType PaymentRefunded = new("payment-refunded", 409, "The payment goes back",
        "The payment came too late for its reservation, and it has been decided that it is given back.",
        "Reserve again, and pay with a new payment.");

    public static readonly ProblemType OrderNotFound = new("order-not-found", 404, "No such order",
        "No order has this id, or the reservation has not become one.",
        "Check the id; the answer to a confirm has it.");

    // A payment provider is not who it should be.

    public static readonly ProblemType WebhookSignatureInvalid = new(
        "webhook-signature-invalid", 401, "The signature doesn't fit",
        "The headers webhook-id, webhook-timestamp and webhook-signature are missing or malformed, or none of the "
            + "signatures was made from this body with a secret that is known here. Nothing was stored.",
        "Sign the bytes as they are sent, as Standard Webhooks describe, with the secret configured here.");

    public static readonly ProblemType WebhookTimestampOutOfTolerance = new(
        "webhook-timestamp-out-of-tolerance", 401, "The attempt is too old or too new",
        "The signature fits, but webhook-timestamp differs from the time here by more than is tolerated, as it would "
            + "if someone sent a recorded attempt again. Nothing was stored.",
        "Send the event again with a fresh timestamp and signature, and the same webhook-id; keep the clock right.");

    // A place in the waiting queue.

    public static readonly ProblemType TicketNotFound = new("ticket-not-found", 404, "No such ticket",
        "Nobody has this ticket, or it is another shopper's, or it was decided so long ago that it is forgotten.",
        "Check the ticket; reserve again if the stock is still wanted.");

    public static readonly ProblemType TicketGranted = new("ticket-granted", 409, "The wait was over",
        "The ticket became a hold before it was cancelled.",
        "Use the reservation, or release it.");

    // A product is not as the administrator supposed.

    public static readonly ProblemType TotalOutOfRange = new("total-out-of-range", 409, "The total can't become that",
        "The adjustment would take more units than there are, or make a total above 2147483647. Nothing was changed.",
        "Read the product and its movements, and adjust by what is there.");

    public static readonly ProblemType PreconditionFailed = new("precondition-failed", 412, "Not as it was read",
        "The product has been changed since it was read, or it exists where it should not, or the other way round. "
            + "Nothing was overwritten.",
        "Read the product, look at what others have changed, and send the change with the new ETag.");

    public static readonly ProblemType PreconditionRequired = new(
        "precondition-required", 428, "Say what may be replaced",
        "The request doesn't say which state of the product it was made for, so it might overwrite someone's change.",
        "Send If-Match with the ETag that was read, or If-None-Match: * for a new product.");

    // The administration of what could not be stored.

    public static readonly ProblemType DeadLetterNotFound = new("dead-letter-not-found", 404, "No such dead letter",
        "No event with this number was ever put aside.",
        "Read the list at /api/operations/dead-letters.");

    public static readonly ProblemType StillNotStorable = new("still-not-storable", 409, "It still can't be stored",
        "The event failed again; its letter stays open, and `detail` says why. All other events are stored without it.",
        "Mend the cause, and replay it then. An event that no script of this version has written stays as it is.");

    // Not the client's fault.

    public static readonly ProblemType TooManyRequests = new("too-many-requests", 429, "Too many requests",
        "This client has used up its share of requests for the moment.",
        "Wait as long as `Retry-After` says. An Idempotency-Key makes the retry safe.");

    public static readonly ProblemType InternalError = new("internal-error", 500, "Something is broken here",
        "The service met a state that its authors did not expect.",
        "Report the trace id. An Idempotency-Key makes a retry safe.");

    public static readonly ProblemType UpstreamInterrupted = new("upstream-interrupted", 502, "The answer was lost",
        "The connection between the gateway and the service broke after the request had been passed on.",
        "Try again with the same Idempotency-Key or reservationId: the first attempt may have been carried out.");

    public static readonly ProblemType UpstreamUnavailable = new("upstream-unavailable", 503, "The service is away",
        "The gateway has no service at the moment that could answer this path. Nothing was changed.",
        "Try again after `Retry-After`.");

    public static readonly ProblemType SessionsUnavailable = new(
        "sessions-unavailable", 503, "No session can begin or end now",
        "The store of sessions is away, so the gateway can't begin a session for a new shopper, or end one.",
        "Try again after `Retry-After`. Nothing was done; a session that exists goes on.");

    public static readonly ProblemType StockUnavailable = new("stock-unavailable", 503, "Stock can't be decided now",
        "The store that decides about stock is away, or its data is being checked after a failure. Nothing is sold "
            + "meanwhile.",
        "Try again after `Retry-After`, with the same Idempotency-Key or reservationId: the first attempt may have "
            + "been carried out.");

    public static readonly ProblemType TemporaryReducedCapacity = new(
        "temporary-reduced-capacity", 503, "More come than can be served",
        "The service is busy with those who came before. Browsing is put off first, then new reservations; what is "
            + "held can always be paid, confirmed, extended and released. Nothing was done.",
        "Try again after `Retry-After`.");

    public static readonly ProblemType StockUnreadable = new(
        "stock-unreadable", 503, "The stock of a SKU can't be read",
        "Something else stands in the stock store than the service writes there; `detail` names the SKU and what it "
            + "is. Nothing of it is sold or given back meanwhile, and other SKUs are not concerned. Nothing was "
            + "changed.",
        "Tell whoever runs the shop: the audit reports it, and mends what it can. Try again after `Retry-After`.");

    public static readonly ProblemType QueueFull = new("queue-full", 503, "The queue is full",
        "Stock can't be decided now, and as many wait for it as may. Nothing was changed.",
        "Try again after `Retry-After`.");

    public static readonly ProblemType TooManyListeners = new("too-many-listeners", 503, "Too many live streams",
        "As many streams of live stock are open as this service carries.",
        "Try again after `Retry-After`, or read the stock without a stream.");

    public static readonly ProblemType OrdersUnavailable = new("orders-unavailable", 503, "Orders can't be written now",
        "The store of orders is away. The hold is kept until it is known whether the order was written.",
        "Confirm again after `Retry-After`: it returns the order that was written, or writes it.");

    public static readonly ProblemType LedgerUnavailable = new(
        "ledger-unavailable", 503, "The system of record is away",
        "The database that knows products and totals did not answer. What was asked for may have been done.",
        "Read again after `Retry-After`. An adjustment with an Idempotency-Key can simply be repeated.");

    public static readonly ProblemType AuditNotFound = new("audit-not-found", 404, "No such audit",
        "No audit has this number, or it is older than those that are remembered.",
        "Read /api/operations/reconciliation, or ask for a new run.");

    public static readonly ProblemType AuditUnavailable = new(
        "audit-unavailable", 503, "Nobody can audit now",
        "The worker that compares both stores is away, or a store is, or Redis is being rebuilt; the detail says.",
        "Try again after `Retry-After`. Cycles go on by themselves as soon as they can.");

    public static readonly ProblemType UpstreamTimeout = new(
        "upstream-timeout", 504, "The service behind the gateway is slow",
        "The gateway waited for the service that answers this path and got no answer in time.",
        "Try again shortly, with the same Idempotency-Key or reservationId: the first attempt may have been carried "
            + "out.");

    /// <summary>All of them, by status.</summary>
    public static IReadOnlyList<ProblemType> All { get; } =
    [
        Validation, MalformedRequest,
        AuthenticationRequired, WebhookSignatureInvalid, WebhookTimestampOutOfTolerance, ScopeMissing,
        ProofOfWorkRequired,
        NotFound, UnknownSku, ReservationNotFound, OrderNotFound, DeadLetterNotFound, AuditNotFound, TicketNotFound,
        MethodNotAllowed, RequestTimeout,
        InsufficientStock, ActiveReservationExists, LimitExceeded, SkuPaused, TicketGranted,
        HoldExpired, ReservationEnded, HoldConfirming, LifetimeCapped, NotCovered, PaymentRefunded,
        StillNotStorable, TotalOutOfRange, PreconditionFailed,
        PayloadTooLarge, UriTooLong, UnsupportedMediaType,
        IdempotencyKeyReused, ReservationIdReused,
        PreconditionRequired, TooManyRequests, HeadersTooLarge,
        InternalError, UpstreamInterrupted, UpstreamUnavailable, StockUnavailable, StockUnreadable,
        OrdersUnavailable,
        SessionsUnavailable, LedgerUnavailable, AuditUnavailable, QueueFull, TooManyListeners,
        TemporaryReducedCapacity,
        UpstreamTimeout,
    ];
}
