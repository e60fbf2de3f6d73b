using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.Settlement;
using Inventory.Storage;

namespace Inventory.ReservationApi.Payments;

/// <summary>POST /api/payments/webhook: a provider reports a payment, and the hold becomes an order.</summary>
public static class ReceivePayment
{
    /// <summary>What happened. Members that are not known here are ignored.</summary>
    public sealed record Request
    {
        /// <summary>
        /// A payment: payment.approved or payment.failed. A refund: payment.refunded or charge.refunded. A dispute:
        /// payment.disputed, charge.disputed, payment.dispute.created or charge.dispute.created. An event of another
        /// type is answered with 204 and not stored.
        /// </summary>
        /// <example>payment.approved</example>
        public required string Type { get; init; }

        /// <summary>When it happened, ISO 8601; the time of the attempt when absent.</summary>
        public string? Timestamp { get; init; }

        /// <summary>The payment.</summary>
        public required Payment Data { get; init; }
    }

    /// <summary>A payment, as its provider describes it.</summary>
    public sealed record Payment
    {
        /// <summary>The reservation that is paid for.</summary>
        /// <example>019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10</example>
        public required Guid ReservationId { get; init; }

        /// <summary>The provider's name for the payment.</summary>
        /// <example>pay-1</example>
        public required string PaymentId { get; init; }

        /// <summary>
        /// The amount in minor units of its currency, such as cents; a refund that the shop has to make repeats it. Of
        /// a reported refund or dispute, which needs one, it is the amount of this one alone: several are added up.
        /// </summary>
        /// <example>1990</example>
        public long? Amount { get; init; }

        /// <summary>The currency's ISO 4217 code; required with an amount.</summary>
        /// <example>EUR</example>
        public string? Currency { get; init; }

        /// <summary>
        /// For a refund or dispute: the provider's name for it, 1 to 128 printable ASCII characters; the webhook-id
        /// when absent. Events with the same one are about the same refund or dispute, which counts once.
        /// </summary>
        /// <example>re-1</example>
        public string? Reference { get; init; }
    }

    /// <summary>The result of an event. Once it is settled, a repetition gets the same answer.</summary>
    /// <param name="EventId">The provider's name for the event.</param>
    /// <param name="ReservationId">The reservation.</param>
    /// <param name="PaymentId">The provider's name for the payment.</param>
    /// <param name="Outcome">
    /// confirmed: there is an order, and this is its payment. revived: the same, though the deadline had passed.
    /// refund-required: there is no order for it; the outbox has one refund. noted: it is stored, and changes neither
    /// order nor stock: a failed payment, and a refund or dispute. accepted: it is stored, and decided later.
    /// </param>
    /// <param name="OrderId">The order that is paid.</param>
    /// <param name="Reason">
    /// For refund-required: hold-expired, reservation-released, order-cancelled, already-paid or reservation-unknown.
    /// </param>
    public sealed record Response(
        string EventId, Guid ReservationId, string PaymentId, string Outcome, Guid? OrderId, string? Reason);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/api/payments/webhook", Handle)
        .WithName(nameof(ReceivePayment))
        .WithTags("Payments")
        .ForEveryone("The signature authenticates the provider.")
        .WithSummary("Report a payment")
        .WithDescription("Signed as Standard Webhooks describe. An approved payment makes its hold an order, even an "
            + "expired hold if its units are still available; otherwise the payment is marked for a refund, once. "
            + "A failed payment leaves the hold until its deadline. A refund or dispute of a payment, also one that is "
            + "not known yet, is shown on the order and changes no stock: cancel the order to sell its units again. "
            + "An event takes effect once, however often and late it is sent; another payment under its webhook-id is "
            + "refused. Events of other types than those named at type are answered with 204 and not stored.")
        .Takes<Request>()
        .TakesHeader(WebhookSignature.Id, "The event's name, the same at every attempt.")
        .TakesHeader(WebhookSignature.Timestamp, "When this attempt was made, in seconds since 1970.")
        .TakesHeader(WebhookSignature.Signature, "v1, a comma and the HMAC-SHA256 of id.timestamp.body in base64; "
            + "several are separated by spaces.")
        .MayBeRepeated()
        .Answers<Response>(StatusCodes.Status200OK, "The event is settled, now or from before.")
        .Answers<Response>(StatusCodes.Status202Accepted, "The event is stored, and settled as soon as it can be: "
            + "Redis is unavailable, or the reservation is not known yet. No need to send it again.")
        .Answers(StatusCodes.Status204NoContent, "The event is not stored: its type is none of "
            + "those named at type.")
        .Refuses(
            Problem.WebhookSignatureInvalid, Problem.WebhookTimestampOutOfTolerance, Problem.WebhookIdReused,
            Problem.OrdersUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, WebhookSignature signature, Ledger.Payments payments, PaymentSettler settler,
        StockCircuit circuit)
    {
        var (body, unreadable) = await IncomingBody.ReadBytesAsync(http);
        if (unreadable is not null) return unreadable;
        if (signature.Check(http.Request.Headers, body, out var eventId, out var sentAt) is { } notTrusted)
        {
            return notTrusted;
        }

        var (entry, invalid) = PaymentBody.Read(body, eventId, sentAt);
        if (invalid is not null) return invalid;
        if (entry is null) return TypedResults.NoContent();

        StoredPayment? stored;
        try
        {
            // Not cancelled when the provider disconnects: an event is stored, and takes effect.
            stored = await payments.StoreAsync(entry, CancellationToken.None);
        }
        catch (StoreRejectedException e) when (e.Code.StartsWith("22", StringComparison.Ordinal))
        {
            return PaymentBody.NotJson;
        }

        if (stored is null)
        {
            return Refusal.Of(Problem.WebhookIdReused, $"The webhook-id {eventId} came with another event before.");
        }

        // While the circuit is open the worker decides, so that the provider doesn't wait for Redis.
        var answer = circuit.IsOpen && stored.Verdict is null
            ? new(PaymentProgress.StoreUnavailable)
            : await settler.SettleAsync(stored, CancellationToken.None);
        var status = answer.Progress == PaymentProgress.Settled
            ? StatusCodes.Status200OK
            : StatusCodes.Status202Accepted;
        return JsonAnswer.Of(status, View(stored, answer.Verdict), ApiJson.Default.ReceivePaymentResponse);
    }

    private static Response View(StoredPayment stored, PaymentVerdict? verdict) => new(
        stored.EventId, stored.ReservationId, stored.PaymentId, verdict?.Outcome ?? "accepted", verdict?.OrderId,
        verdict?.Reason);
}
