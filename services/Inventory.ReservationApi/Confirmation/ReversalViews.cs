using Inventory.Ledger;

namespace Inventory.ReservationApi.Confirmation;

/// <summary>A refund or a dispute, as the payment provider reported it.</summary>
public sealed record ReversalView
{
    private ReversalView(Reversal reversal)
    {
        (PaymentId, Amount, Currency) = (reversal.PaymentId, reversal.Amount, reversal.Currency);
        (Reference, At) = (reversal.Reference, reversal.At.UtcDateTime);
    }

    /// <summary>The payment.</summary>
    /// <example>pay-1</example>
    public string PaymentId { get; }

    /// <summary>The amount in minor units of its currency, such as cents.</summary>
    /// <example>1990</example>
    public long Amount { get; }

    /// <summary>The currency's ISO 4217 code.</summary>
    /// <example>EUR</example>
    public string Currency { get; }

    /// <summary>The provider's name for it; the webhook-id of its event when the provider gave none.</summary>
    /// <example>re-1</example>
    public string Reference { get; }

    /// <summary>When it happened by the provider's clock, UTC.</summary>
    public DateTime At { get; }

    /// <returns>Null when there are none.</returns>
    internal static IReadOnlyList<ReversalView>? ListOf(Reversals reversals, ReversalKind kind) =>
        reversals.Reported.Where(one => one.Kind == kind).Select(one => new ReversalView(one)).ToList()
            is { Count: > 0 } views ? views : null;
}

/// <summary>What the provider has refunded of one payment.</summary>
/// <param name="PaymentId">The payment.</param>
/// <param name="Currency">The currency's ISO 4217 code.</param>
/// <param name="Amount">The sum in minor units, at most 9007199254740991.</param>
public sealed record RefundedView(string PaymentId, string Currency, long Amount)
{
    /// <returns>Null when there are none.</returns>
    internal static IReadOnlyList<RefundedView>? ListOf(Reversals reversals) => reversals.Refunded
        .Select(sum => new RefundedView(sum.PaymentId, sum.Currency, sum.Amount)).ToList()
        is { Count: > 0 } views ? views : null;
}

/// <summary>A refund that the shop has to make.</summary>
/// <param name="PaymentId">The payment.</param>
/// <param name="Reason">
/// order-cancelled, already-paid, hold-expired, reservation-released or reservation-unknown.
/// </param>
/// <param name="Amount">The amount in minor units; absent when the payment was reported without one.</param>
/// <param name="Currency">The currency's ISO 4217 code; absent without an amount.</param>
/// <param name="Since">Since when it has to be made, UTC.</param>
/// <param name="Status">
/// open, or completed when the provider has reported refunds of this payment, in its currency, of this amount or more.
/// </param>
public sealed record RequiredRefundView(
    string PaymentId, string Reason, long? Amount, string? Currency, DateTime Since, string Status)
{
    /// <returns>Null when there are none.</returns>
    internal static IReadOnlyList<RequiredRefundView>? ListOf(Reversals reversals) => reversals.Required
        .Select(refund => new RequiredRefundView(
            refund.PaymentId, refund.Reason, refund.Amount, refund.Currency, refund.Since.UtcDateTime,
            refund.IsCompletedBy(reversals.Refunded) ? "completed" : "open")).ToList()
        is { Count: > 0 } views ? views : null;
}
