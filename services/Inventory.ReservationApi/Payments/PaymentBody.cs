using System.Globalization;
using System.Text;
using System.Text.Json;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Confirmation;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Payments;

/// <summary>
/// Reads a provider's event. By design: no serializer, because unknown members are allowed, and an event of an unknown
/// type may have any shape.
/// </summary>
internal static class PaymentBody
{
    private const string AmountRule = "must be an integer of minor units, such as cents: 0 to 9007199254740991";
    private const string CurrencyRule = "must be a currency's three capital letters in ISO 4217";

    // Two readers might disagree on which of two equal names counts.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <param name="body">The bytes as they came.</param>
    /// <param name="eventId">The provider's name for the event.</param>
    /// <param name="sentAt">When the attempt was made; the event happened then, unless it says otherwise.</param>
    /// <returns>The event; nothing for a type that is not known here; or why it can't be read.</returns>
    internal static (PaymentEvent? Event, Refusal? Refusal) Read(byte[] body, string eventId, DateTimeOffset sentAt)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            return Understand(document.RootElement, body, eventId, sentAt);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: text with half of a surrogate pair.
            return (null, NotJson);
        }
    }

    /// <summary>Also for a body that PostgreSQL rejects as JSON.</summary>
    internal static Refusal NotJson { get; } =
        Refusal.Of(Problem.MalformedRequest, "The body is not JSON, or holds text that is not valid Unicode.");

    private static (PaymentEvent? Event, Refusal? Refusal) Understand(
        JsonElement root, byte[] body, string eventId, DateTimeOffset sentAt)
    {
        if (root.ValueKind != JsonValueKind.Object) return (null, Refusal.Invalid("body", "must be a JSON object"));
        var type = Text(root, "type");
        if (type is null) return (null, Refusal.Invalid("type", FieldErrors.Required));
        var isReversal = ReversalTypes.KindOf(type) is not null;
        if (!isReversal && type is not (PaymentEvent.Approved or PaymentEvent.Failed)) return (null, null);

        var errors = new FieldErrors();
        var data = root.TryGetProperty("data", out var found) && found.ValueKind == JsonValueKind.Object
            ? found
            : default;
        if (data.ValueKind != JsonValueKind.Object) return (null, Refusal.Invalid("data", "must be a JSON object"));
        if (!Guid.TryParseExact(Text(data, "reservationId"), "D", out var reservationId))
        {
            errors.Add("data.reservationId", "must be a UUID such as 019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10");
        }

        var paymentId = Text(data, "paymentId");
        if (paymentId is null || !ConfirmReservation.IsPaymentId(paymentId))
        {
            errors.Add("data.paymentId", ConfirmReservation.PaymentIdRule);
        }

        CheckAmount(data, isReversal, ref errors);
        if (isReversal) CheckReference(data, ref errors);
        if (errors.ToRefusal() is { } invalid) return (null, invalid);
        return (new()
        {
            EventId = eventId,
            Type = type,
            ReservationId = reservationId,
            PaymentId = paymentId!,
            OccurredAt = DateTimeOffset.TryParse(
                Text(root, "timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? at
                : sentAt,
            Body = Encoding.UTF8.GetString(body),
            Trace = System.Diagnostics.Activity.Current is { Recorded: true } activity ? activity.Id : null,
        }, null);
    }

    /// <param name="data">The payment.</param>
    /// <param name="isRequired">Whether there must be an amount: partial refunds are added up.</param>
    /// <param name="errors">Gets an error for each rule that is broken.</param>
    private static void CheckAmount(JsonElement data, bool isRequired, ref FieldErrors errors)
    {
        var hasAmount = IsGiven(data, "amount", out var amount);
        var hasCurrency = IsGiven(data, "currency", out _);
        if (hasAmount && !(amount.ValueKind == JsonValueKind.Number && amount.TryGetInt64(out var units)
            && units is >= 0 and <= PaymentEvent.LargestAmount))
        {
            errors.Add("data.amount", AmountRule);
        }

        if (hasCurrency && !Currencies.IsKnown(Text(data, "currency"))) errors.Add("data.currency", CurrencyRule);
        if (!hasCurrency && (hasAmount || isRequired)) errors.Add("data.currency", FieldErrors.Required);
        if (!hasAmount && (hasCurrency || isRequired)) errors.Add("data.amount", FieldErrors.Required);
    }

    private static void CheckReference(JsonElement data, ref FieldErrors errors)
    {
        if (!IsGiven(data, "reference", out _)) return;
        // The rule lets null pass, which a reference of another kind than text would be here.
        var reference = Text(data, "reference") ?? "";
        if (!ConfirmReservation.IsPaymentId(reference)) errors.Add("data.reference", ConfirmReservation.PaymentIdRule);
    }

    private static bool IsGiven(JsonElement data, string name, out JsonElement value) =>
        data.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
