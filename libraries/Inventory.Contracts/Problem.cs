namespace Inventory.Contracts;

/// <summary>One problem type. Clients recognize it by its URI.</summary>
/// <param name="Slug">The last part of its URI: lower-case words and hyphens. Never changes once published.</param>
/// <param name="Status">The HTTP status it comes with.</param>
/// <param name="Title">A few words, the same for every occurrence.</param>
/// <param name="Meaning">What has happened, for the page behind the URI.</param>
/// <param name="Remedy">What a client does about it.</param>
public sealed record ProblemType(string Slug, int Status, string Title, string Meaning, string Remedy)
{
    /// <summary>
    /// The value of <c>type</c>: a relative reference to this type's page on the host that served the answer.
    /// </summary>
    public string Uri { get; } = Problem.Path + "/" + Slug;
}

/// <summary>
/// Every problem that the API or the gateway in front of it answers with. The pages under <c>/problems</c> and the API
/// description are made from this list, so a type that is not here has no page.
/// </summary>
public static class Problem
{
    /// <summary>Where the API has a page for each type, and the list of all.</summary>
    public const string Path = "/problems";

    // The request can't be read, or breaks a rule that doesn't depend on stock.

    public static readonly ProblemType Validation = new("validation", 400, "The request breaks a rule",
        "The body, a part of the path or a header is readable, but a value in it is missing, unknown or out of range.",
        "Read `errors`: it names each field and its rule. Nothing was changed; sending the same request again won't "
            + "help.");

    public static readonly ProblemType MalformedRequest = new("malformed-request", 400, "The request can't be read",
        "The request isn't what HTTP or JSON allow: the body is empty, cut short, or not JSON.",
        "Correct the request; `detail` says where reading stopped. Nothing was changed.");

    public static readonly ProblemType AuthenticationRequired = new(
        "authentication-required", 401, "Authentication is required",
        "The call came without a key, or with one that isn't known here. A wrong key is refused even where none is "
            + "needed. Nothing was changed.",
        $"Send the key in `{InventoryHeaders.ApiKey}`. Shoppers call through the gateway, which gives them a session.");

    public static readonly ProblemType ScopeMissing = new("scope-missing", 403, "The caller lacks permission",
        "The caller is known but lacks permission: a key permits what its scopes say, and a shopper may only use their "
            + "own reservations. Nothing was changed.",
        "Use a key with the scope in `requiredScope`.");

    public static readonly ProblemType ProofOfWorkRequired = new(
        "proof-of-work-required", 403, "A proof of work is needed",
        "Units are being taken faster than people take them, so the gateway requires a proof of work from each "
            + "shopper. The request brought no solution, or one that is wrong, expired, another shopper's, used "
            + "before, or for fewer units than it asks for: `reason` says which. Nothing was done.",
        "Solve `challenge`, as ALTCHA's widget does, and send the request again with the solution in "
            + $"`{InventoryHeaders.ProofOfWork}`. GET /api/challenge?units= returns a challenge for so many units in "
            + "advance. Callers with a key need no proof.");

    public static readonly ProblemType NotFound = new("not-found", 404, "Nothing is at this address",
        "No resource of this API has this path.",
        "Compare the path with the API description at /openapi/v1.json.");

    public static readonly ProblemType MethodNotAllowed = new("method-not-allowed", 405, "Method not allowed",
        "The path exists, but not for this HTTP method.",
        "Use one of the methods that the `Allow` header names.");

    public static readonly ProblemType RequestTimeout = new("request-timeout", 408, "The request came too slowly",
        "The body did not arrive in time.",
        "Send it again. Nothing was changed.");

    public static readonly ProblemType PayloadTooLarge = new("payload-too-large", 413, "The body is too large",
        "Request bodies may have 64 KiB. A full batch of reservations is much smaller.",
        "Send less, or split a batch.");

    public static readonly ProblemType UriTooLong = new("uri-too-long", 414, "The path or query is too long",
        "The request line has more than the server reads: 4 KiB at the gateway.",
        "Send less in the query. Paths of this API are much shorter.");

    public static readonly ProblemType HeadersTooLarge = new("headers-too-large", 431, "The headers are too large",
        "The request has more headers, or larger ones, than the server reads: 64 of them and 16 KiB at the gateway.",
        "Send fewer or shorter headers; too many cookies are a frequent cause.");

    public static readonly ProblemType UnsupportedMediaType = new(
        "unsupported-media-type", 415, "The media type is not supported",
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

    // The stock doesn't allow it. The same request may succeed later.

    public static readonly ProblemType UnknownSku = new("unknown-sku", 404, "No such SKU",
        "The SKU isn't on sale here.",
        "Check the SKU in `sku`. A product that was added just now appears within a second.");

    public static readonly ProblemType InsufficientStock = new("insufficient-stock", 409, "Not enough stock",
        "A line asks for more units than are available. Nothing was held: a reservation is held whole or not at all.",
        "Ask for no more than `available` says for each SKU, or try again later: units of expired holds become "
            + "available again.");

    public static readonly ProblemType ActiveReservationExists = new(
        "active-reservation-exists", 409, "The customer holds this SKU already",
        "The customer has an active reservation of a SKU that was asked for; the answer names it.",
        "Use the reservation in `reservationId`, release it, or send `onExisting: \"replace\"` to swap it for the new "
            + "one in one step.");

    public static readonly ProblemType LimitExceeded = new("limit-exceeded", 409, "The limit per customer is exceeded",
        "The customer would have more units of the SKU, held and bought, than its limit per customer allows, or a "
        + "shopper would hold more unpaid units of it than a session may.",
        "Ask for no more than `limit` less `units`.");

    public static readonly ProblemType SkuPaused = new("sku-paused", 409, "Sale is paused",
        "The SKU isn't sold at the moment. Holds that exist stay valid.",
        "Try again when sale has been resumed.");

    // The reservation is not in a state for what was asked.

    public static readonly ProblemType ReservationNotFound = new("reservation-not-found", 404, "No such reservation",
        "No reservation has this id, or it ended so long ago that it has been deleted.",
        "Check the id; reserve again if the stock is still wanted.");

    public static readonly ProblemType HoldExpired = new("hold-expired", 409, "The hold has expired",
        "The reservation reached its deadline, and its units are available again. A client can't restore it.",
        "Reserve again.");

    public static readonly ProblemType ReservationEnded = new("reservation-ended", 409, "The reservation has ended",
        "The reservation was released or confirmed before; `reservationStatus` says which. It ends exactly once.",
        "Reserve again if stock is still wanted.");

    public static readonly ProblemType HoldConfirming = new("hold-confirming", 409, "The hold is becoming an order",
        "The reservation is being confirmed, so it can be neither changed nor released.",
        "Wait a moment and read the reservation: it will be confirmed, or pending again.");

    public static readonly ProblemType LifetimeCapped = new("lifetime-capped", 409, "The hold has its longest lifetime",
        "The reservation has its longest lifetime already, extensions included.",
        "Confirm it before `expiresAt`.");

    public static readonly ProblemType NotCovered = new("not-covered", 409, "The units are no longer in stock",
        "The total of the SKU in `sku` was lowered below what is held, so the hold can't become an order.",
        "Release the hold, or confirm again when units have been added.");

    public static readonly ProblemType PaymentRefunded = new("payment-refunded", 409, "The payment is refunded",
        "The payment came too late for its reservation, so it is refunded.",
        "Reserve again, and pay with a new payment.");

    public static readonly ProblemType OrderNotFound = new("order-not-found", 404, "No such order",
        "No order has this id, or the reservation has not become one.",
        "Check the id; the answer to a confirm has it.");

    // A payment webhook is not authentic, or not fresh.

    public static readonly ProblemType WebhookSignatureInvalid = new(
        "webhook-signature-invalid", 401, "The signature is not valid",
        "The headers webhook-id, webhook-timestamp and webhook-signature are missing or malformed, or none of the "
            + "signatures was made from this body with a secret that is known here. Nothing was stored.",
        "Sign the bytes as they are sent, as Standard Webhooks describe, with the secret configured here.");

    public static readonly ProblemType WebhookTimestampOutOfTolerance = new(
        "webhook-timestamp-out-of-tolerance", 401, "The attempt is too old or too new",
        "The signature is valid, but webhook-timestamp differs from the server's clock by more than the tolerance, as "
            + "in a recorded attempt that is sent again. Nothing was stored.",
        "Send the event again with a fresh timestamp and signature, and the same webhook-id; synchronize the clock.");

    public static readonly ProblemType WebhookIdReused = new(
        "webhook-id-reused", 409, "The id belongs to another event",
        "This webhook-id came with another type or payment before. Nothing was decided about the payment of this "
            + "attempt; the outbox has a message of the kind payment_event_conflict about it.",
        "Send each event under an id of its own, the same at every attempt. Look at the payment: it may have to be "
            + "refunded.");

    // A place in the waiting queue.

    public static readonly ProblemType TicketNotFound = new("ticket-not-found", 404, "No such ticket",
        "The ticket doesn't exist, belongs to another shopper, or was decided long ago and has been deleted.",
        "Check the ticket; reserve again if the stock is still wanted.");

    public static readonly ProblemType TicketGranted = new("ticket-granted", 409, "The ticket was granted before",
        "The ticket became a hold before it was cancelled.",
        "Use the reservation, or release it.");

    public static readonly ProblemType AlreadyWaiting = new("already-waiting", 409, "Your requests wait already",
        "Stock can't be decided now, and as many requests of this shopper wait in the queue as one shopper may have. "
            + "Nothing was changed.",
        "Follow the ticket in `ticket`, which is decided first, or cancel it; then send the request again. A "
            + "repetition with the same Idempotency-Key or reservationId gets its own ticket again.");

    // A product is not as the administrator expected.

    public static readonly ProblemType TotalOutOfRange = new("total-out-of-range", 409, "The total is out of range",
        "The adjustment or cancellation would take more units than there are, or make a total above 2147483647. "
            + "Nothing was changed.",
        "Read the product and its movements, and adjust by what is there. To cancel an order, first lower the total by "
            + "what `detail` says.");

    public static readonly ProblemType PreconditionFailed = new("precondition-failed", 412, "The precondition fails",
        "The product has been changed since it was read, exists against If-None-Match, or doesn't exist against "
            + "If-Match. Nothing was overwritten.",
        "Read the product, look at what others have changed, and send the change with the new ETag.");

    public static readonly ProblemType PreconditionRequired = new(
        "precondition-required", 428, "A precondition is required",
        "The request doesn't say which state of the product it was made for, so it might overwrite another "
            + "administrator's change.",
        "Send If-Match with the ETag that was read, or If-None-Match: * for a new product.");

    // The administration of what could not be stored.

    public static readonly ProblemType DeadLetterNotFound = new("dead-letter-not-found", 404, "No such dead letter",
        "No dead letter has this number.",
        "Read the list at /api/operations/dead-letters.");

    public static readonly ProblemType StillNotStorable = new("still-not-storable", 409, "It still can't be stored",
        "The event failed again; its letter stays open, and `detail` says why. All other events are stored without it.",
        "Remove the cause, then replay it. An event of an unknown form can't be stored and stays a dead letter.");

    // Not the client's fault.

    public static readonly ProblemType TooManyRequests = new("too-many-requests", 429, "Too many requests",
        "This client has used up its budget of requests for the moment.",
        "Wait as long as `Retry-After` says. An Idempotency-Key makes the retry safe.");

    public static readonly ProblemType InternalError = new("internal-error", 500, "Internal error",
        "The service met a state that its authors did not expect.",
        "Report the trace id. An Idempotency-Key makes a retry safe.");

    public static readonly ProblemType UpstreamInterrupted = new("upstream-interrupted", 502, "The answer was lost",
        "The connection between the gateway and the service broke after the request had been passed on.",
        "Try again with the same Idempotency-Key or reservationId: the first attempt may have been carried out.");

    public static readonly ProblemType UpstreamUnavailable = new(
        "upstream-unavailable", 503, "The service is unavailable",
        "The gateway has no service at the moment that could answer this path. Nothing was changed.",
        "Try again after `Retry-After`.");

    public static readonly ProblemType SessionsUnavailable = new(
        "sessions-unavailable", 503, "No session can begin or end now",
        "The session store is unavailable, so the gateway can't begin a session for a new shopper, or end one.",
        "Try again after `Retry-After`. Nothing was done; existing sessions stay valid.");

    public static readonly ProblemType StockUnavailable = new("stock-unavailable", 503, "Stock can't be decided now",
        "The store that decides about stock is unavailable, or its data is being checked after a failure. Nothing is "
            + "sold meanwhile.",
        "Try again after `Retry-After`, with the same Idempotency-Key or reservationId: the first attempt may have "
            + "been carried out.");

    public static readonly ProblemType TemporaryReducedCapacity = new(
        "temporary-reduced-capacity", 503, "The service is overloaded",
        "The service has more requests than it can serve. It refuses browsing first, then new reservations; existing "
            + "holds can always be paid, confirmed, extended and released. Nothing was done.",
        "Try again after `Retry-After`.");

    public static readonly ProblemType StockUnreadable = new(
        "stock-unreadable", 503, "The stock of a SKU can't be read",
        "Data in the stock store is corrupt, or a SKU is being repaired; `detail` names the SKU and the data. Units of "
            + "this SKU are neither sold nor released meanwhile; other SKUs are not affected. Nothing was changed.",
        "Try again after `Retry-After`. The audit repairs the SKU; if that takes long, tell the shop's operator.");

    public static readonly ProblemType QueueFull = new("queue-full", 503, "The queue is full",
        "Stock can't be decided now, and the waiting queue has no room. Nothing was changed.",
        "Try again after `Retry-After`.");

    public static readonly ProblemType TooManyListeners = new("too-many-listeners", 503, "Too many live streams",
        "The service has as many streams of live stock open as it allows.",
        "Try again after `Retry-After`, or read the stock without a stream.");

    public static readonly ProblemType OrdersUnavailable = new("orders-unavailable", 503, "Orders can't be written now",
        "The store of orders is unavailable. The hold is kept until it is known whether the order was written.",
        "Confirm again after `Retry-After`: it returns the order that was written, or writes it.");

    public static readonly ProblemType LedgerUnavailable = new(
        "ledger-unavailable", 503, "The system of record is unavailable",
        "The database that knows products and totals did not answer. What was asked for may have been done.",
        "Read again after `Retry-After`. An adjustment with an Idempotency-Key can simply be repeated.");

    public static readonly ProblemType AuditNotFound = new("audit-not-found", 404, "No such audit",
        "No audit has this number, or its report has been deleted.",
        "Read /api/operations/reconciliation, or ask for a new run.");

    public static readonly ProblemType AuditUnavailable = new(
        "audit-unavailable", 503, "No audit can run now",
        "The reconciliation worker or a store is unavailable, or Redis is being rebuilt; `detail` says which.",
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
        InsufficientStock, ActiveReservationExists, LimitExceeded, SkuPaused, TicketGranted, AlreadyWaiting,
        HoldExpired, ReservationEnded, HoldConfirming, LifetimeCapped, NotCovered, PaymentRefunded,
        StillNotStorable, TotalOutOfRange, WebhookIdReused, PreconditionFailed,
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
