using Npgsql;

namespace Inventory.Ledger;

internal sealed partial class ConfirmTransaction
{
    // A transaction that decides on a refund locks the payment's events first, so that the payment can't become an
    // order at the same time.
    private const string LockPayments =
        """
        SELECT event_id FROM payment_events WHERE reservation_id = ANY($1) AND processed_at IS NULL
        ORDER BY event_id FOR NO KEY UPDATE
        """;

    private const string ReadRefunds = "SELECT key FROM outbox WHERE key = ANY($1)";

    private const string MarkPaid =
        $"""
        UPDATE payment_events SET
            outcome = CASE WHEN late THEN '{PaymentEvent.Revived}' ELSE '{PaymentEvent.Confirmed}' END,
            processed_at = now()
        FROM unnest($1::uuid[], $2::text[], $3::boolean[]) AS paid (reservation_id, payment_id, late)
        WHERE payment_events.reservation_id = paid.reservation_id AND payment_events.payment_id = paid.payment_id
          AND type = '{PaymentEvent.Approved}' AND processed_at IS NULL
        """;

    private readonly HashSet<string> refunds = new(StringComparer.Ordinal);

    private string[] RefundKeys() =>
    [
        .. members.Where(member => member.Request.PaymentId is not null)
            .Select(member => Refund.KeyOf(member.Request.ReservationId, member.Request.PaymentId!)),
    ];

    private bool IsRefunded(ConfirmRequest request) =>
        request.PaymentId is { } payment && refunds.Contains(Refund.KeyOf(request.ReservationId, payment));

    /// <summary>Marks the payments of the written orders as settled, in the same transaction.</summary>
    private void AddPayments(NpgsqlBatch batch)
    {
        var late = members.Where(member => member.Request.Late)
            .Select(member => member.Request.ReservationId).ToHashSet();
        var paid = written.FindAll(order => order.PaymentId is not null);
        batch.BatchCommands.Add(Command(
            MarkPaid,
            paid.ConvertAll(order => order.ReservationId).ToArray(),
            paid.ConvertAll(order => order.PaymentId).ToArray(),
            paid.ConvertAll(order => late.Contains(order.ReservationId)).ToArray()));
    }
}
