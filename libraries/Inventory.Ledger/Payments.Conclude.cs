using Npgsql;

namespace Inventory.Ledger;

public sealed partial class Payments
{
    private const string LockEvents =
        "SELECT event_id FROM payment_events WHERE reservation_id = $1 ORDER BY event_id FOR NO KEY UPDATE";

    // The lock orders this and a concurrent cancellation: either the cancellation sees the payment, or this transaction
    // sees the cancelled order.
    private const string LockOrder =
        "SELECT id, status, payment_id FROM orders WHERE reservation_id = $1 FOR NO KEY UPDATE";

    private const string ReadRefund = "SELECT payload ->> 'reason' FROM outbox WHERE key = $1";

    private const string Attach = "UPDATE orders SET payment_id = $2 WHERE id = $1";

    private const string Decide =
        "UPDATE payment_events SET outcome = $2, processed_at = now() WHERE event_id = $1 AND processed_at IS NULL";

    /// <summary>
    /// Decides the outcome of an approved payment that was not settled by a confirm: an order already exists, or none
    /// will be written.
    /// </summary>
    /// <param name="payment">The event.</param>
    /// <param name="withoutOrder">The refund reason if there is no order.</param>
    /// <param name="cancellation">Stops waiting; the payment may or may not be decided.</param>
    /// <returns>The verdict, and whether this call decided it.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<(PaymentVerdict Verdict, bool IsNew)> ConcludeAsync(
        StoredPayment payment, RefundReason withoutOrder, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payment);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var found = await LockAsync(connection, payment, cancellation);
        if (found.Verdict is not null) return (found.Verdict, false);

        await using var batch = new NpgsqlBatch(connection);
        var verdict = Judge(payment, found, withoutOrder);
        if (verdict.Outcome == PaymentEvent.RefundRequired)
        {
            batch.BatchCommands.Add(
                Refund.Write(payment.ReservationId, payment.PaymentId, verdict.Reason!, found.OrderId));
        }

        if (found.OrderId is { } order && found.PaymentId is null)
        {
            batch.BatchCommands.Add(ConfirmTransaction.Command(Attach, order, payment.PaymentId));
        }

        batch.BatchCommands.Add(ConfirmTransaction.Command(Decide, payment.EventId, verdict.Outcome));
        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return (verdict, true);
    }

    private static PaymentVerdict Judge(StoredPayment payment, Found found, RefundReason withoutOrder)
    {
        if (found.Refund is not null) return Refunded(found.Refund);
        if (found.OrderId is null) return Refunded(withoutOrder.Word());
        if (found.PaymentId is not null && found.PaymentId != payment.PaymentId)
        {
            return Refunded(RefundReason.AlreadyPaid.Word());
        }

        return found.Status == OrderStatus.Cancelled
            ? Refunded(RefundReason.OrderCancelled.Word())
            : new(PaymentEvent.Confirmed, found.OrderId);

        static PaymentVerdict Refunded(string reason) => new(PaymentEvent.RefundRequired, Reason: reason);
    }

    private static async Task<Found> LockAsync(
        NpgsqlConnection connection, StoredPayment payment, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                ConfirmTransaction.Command(LockEvents, payment.ReservationId),
                ConfirmTransaction.Command(LockOrder, payment.ReservationId),
                ConfirmTransaction.Command(ReadRefund, Refund.KeyOf(payment.ReservationId, payment.PaymentId)),
                ConfirmTransaction.Command(Read, (object)new[] { payment.EventId }),
            },
        };
        var found = new Found();
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.NextResultAsync(cancellation);
        if (await reader.ReadAsync(cancellation))
        {
            found = found with
            {
                OrderId = reader.GetGuid(0),
                Status = Enum.Parse<OrderStatus>(reader.GetString(1), ignoreCase: true),
                PaymentId = reader.IsDBNull(2) ? null : reader.GetString(2),
            };
        }

        await reader.NextResultAsync(cancellation);
        if (await reader.ReadAsync(cancellation))
        {
            found = found with { Refund = reader.GetString(0) };
        }

        await reader.NextResultAsync(cancellation);
        var stored = (await ReadAllAsync(reader, cancellation)).Single();
        return found with { Verdict = stored.Verdict };
    }

    /// <summary>What the transaction reads under its locks.</summary>
    private sealed record Found
    {
        public PaymentVerdict? Verdict { get; init; }

        public Guid? OrderId { get; init; }

        public OrderStatus Status { get; init; }

        public string? PaymentId { get; init; }

        public string? Refund { get; init; }
    }
}
