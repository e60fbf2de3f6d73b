namespace Inventory.Ledger;

/// <summary>The kind of a <see cref="Reversal"/>.</summary>
public enum ReversalKind
{
    /// <summary>The provider has paid money of the payment back.</summary>
    Refund,

    /// <summary>The customer disputes money of the payment.</summary>
    Dispute,
}

/// <summary>
/// Money of a payment that its provider reports as refunded or disputed. It changes neither the order nor its stock:
/// the shop decides whether to cancel.
/// </summary>
/// <param name="Kind">What has become of the money.</param>
/// <param name="PaymentId">The provider's payment id.</param>
/// <param name="Amount">The amount in minor units of its currency: of this reversal alone.</param>
/// <param name="Currency">The currency's ISO 4217 code.</param>
/// <param name="Reference">The provider's name for it; its event's id when the provider gave none.</param>
/// <param name="At">When it happened, by the provider's clock.</param>
public sealed record Reversal(
    ReversalKind Kind, string PaymentId, long Amount, string Currency, string Reference, DateTimeOffset At);

/// <summary>The sum of the refunds of one payment in one currency.</summary>
/// <param name="PaymentId">The provider's payment id.</param>
/// <param name="Currency">The currency's ISO 4217 code.</param>
/// <param name="Amount">The sum in minor units, at most <see cref="PaymentEvent.LargestAmount"/>.</param>
public sealed record RefundedSum(string PaymentId, string Currency, long Amount);

/// <summary>A refund that the outbox asks for.</summary>
/// <param name="PaymentId">The provider's payment id.</param>
/// <param name="Reason">The reason: see <see cref="Refund.Word"/>.</param>
/// <param name="Amount">The amount in minor units; null when the payment's event had none that can be read.</param>
/// <param name="Currency">The currency's ISO 4217 code; null without an amount.</param>
/// <param name="Since">When it was written.</param>
public sealed record RequiredRefund(
    string PaymentId, string Reason, long? Amount, string? Currency, DateTimeOffset Since)
{
    /// <summary>
    /// Whether the provider has refunded this payment by this amount or more. A refund without an amount is matched
    /// with none, because any partial refund would seem to complete it.
    /// </summary>
    public bool IsCompletedBy(IEnumerable<RefundedSum> refunded) => refunded.Any(sum =>
        sum.PaymentId == PaymentId && sum.Currency == Currency && sum.Amount >= Amount);
}

/// <summary>The money of one reservation that went back, has to go back, or is disputed.</summary>
/// <param name="Reported">What the provider has reported, the oldest first.</param>
/// <param name="Required">The refunds that the outbox asks for, the oldest first.</param>
public sealed record Reversals(IReadOnlyList<Reversal> Reported, IReadOnlyList<RequiredRefund> Required)
{
    /// <summary>The sums of the reported refunds.</summary>
    public IReadOnlyList<RefundedSum> Refunded { get; } =
    [
        .. Reported.Where(one => one.Kind == ReversalKind.Refund)
            .GroupBy(one => (one.PaymentId, one.Currency))
            .Select(same => new RefundedSum(same.Key.PaymentId, same.Key.Currency, Sum(same))),
    ];

    // A sum of many amounts may be larger than a long.
    private static long Sum(IEnumerable<Reversal> same) => (long)Int128.Min(
        PaymentEvent.LargestAmount, same.Aggregate(Int128.Zero, (sum, one) => sum + one.Amount));
}

/// <summary>The types of the events that report reversals.</summary>
public static class ReversalTypes
{
    /// <summary>The types of events about refunds.</summary>
    public static IReadOnlyList<string> Refunds { get; } = ["payment.refunded", "charge.refunded"];

    /// <summary>The types of events about disputes.</summary>
    public static IReadOnlyList<string> Disputes { get; } =
        ["payment.disputed", "charge.disputed", "payment.dispute.created", "charge.dispute.created"];

    /// <summary>What an event of this type reports; null when that is no reversal.</summary>
    public static ReversalKind? KindOf(string type)
    {
        if (Refunds.Contains(type)) return ReversalKind.Refund;
        return Disputes.Contains(type) ? ReversalKind.Dispute : null;
    }

    /// <summary>The kind of its message in the outbox.</summary>
    internal static string Message(this ReversalKind kind) => kind switch
    {
        ReversalKind.Refund => "payment_refunded",
        ReversalKind.Dispute => "payment_disputed",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No message for this kind."),
    };
}
