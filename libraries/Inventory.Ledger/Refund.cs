using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>The reason for a refund.</summary>
public enum RefundReason
{
    /// <summary>The hold had expired when the payment came, and its units are sold out.</summary>
    HoldExpired,

    /// <summary>The holder had released the reservation.</summary>
    ReservationReleased,

    /// <summary>The order was cancelled.</summary>
    OrderCancelled,

    /// <summary>The order has another payment.</summary>
    AlreadyPaid,

    /// <summary>Neither store knows the reservation after the maximum waiting time.</summary>
    ReservationUnknown,
}

/// <summary>
/// The refund of a payment that buys nothing, as a message in the outbox. A payment of a reservation has at most one,
/// even if several transactions write it.
/// </summary>
public static class Refund
{
    /// <summary>The message's kind in the outbox.</summary>
    public const string Kind = "refund_required";

    // The message includes the amount and the currency of the approved payment, if a webhook reported it. An earlier
    // attempt that failed may have had other ones.
    private const string Insert =
        $"""
        INSERT INTO outbox (kind, key, payload)
        SELECT '{Kind}', $1, jsonb_strip_nulls(jsonb_build_object(
            'reservationId', $2::uuid, 'paymentId', $3::text, 'reason', $4::text, 'orderId', $5::uuid,
            'amount', data -> 'amount', 'currency', data -> 'currency', 'trace', trace))
        FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
            SELECT body -> 'data' AS data, trace FROM payment_events
            WHERE reservation_id = $2 AND payment_id = $3 AND type = '{PaymentEvent.Approved}'
            ORDER BY received_at LIMIT 1) AS told ON true
        ON CONFLICT (key) DO NOTHING
        """;

    /// <summary>The reason's name in messages and responses.</summary>
    public static string Word(this RefundReason reason) => reason switch
    {
        RefundReason.HoldExpired => "hold-expired",
        RefundReason.ReservationReleased => "reservation-released",
        RefundReason.OrderCancelled => "order-cancelled",
        RefundReason.AlreadyPaid => "already-paid",
        RefundReason.ReservationUnknown => "reservation-unknown",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "No word for this reason."),
    };

    internal static string KeyOf(Guid reservationId, string paymentId) => $"{Kind}:{reservationId}:{paymentId}";

    internal static NpgsqlBatchCommand Write(Guid reservationId, string paymentId, string reason, Guid? orderId) =>
        Sql.Command(Insert, KeyOf(reservationId, paymentId), reservationId, paymentId, reason, orderId);
}
