using Npgsql;

namespace Inventory.Ledger;

public sealed partial class Confirmations
{
    // Only a cancellation locks an order before totals. That can't deadlock: a confirm never waits for an order while
    // it holds locks of totals.
    private const string CancelOrder =
        """
        UPDATE orders SET status = 'CANCELLED', cancelled_at = now()
        WHERE reservation_id = $1 AND status = 'CONFIRMED'
        """;

    /// <summary>
    /// Cancels a confirmed order: adds its units back to their totals once, and requests the refund of its payment. May
    /// be repeated.
    /// </summary>
    /// <param name="reservationId">The reservation that became the order.</param>
    /// <param name="reason">
    /// The reason for the movements, 1 to <see cref="InventoryMovement.MaxReasonLength"/> characters.
    /// </param>
    /// <param name="cancellation">Stops waiting; the order may or may not be cancelled.</param>
    /// <exception cref="ArgumentException"><paramref name="reason"/> is empty or too long.</exception>
    /// <exception cref="NpgsqlException">
    /// PostgreSQL is unavailable, or another writer made the transaction fail.
    /// </exception>
    public async Task<CancelAnswer> CancelOrderAsync(Guid reservationId, string reason, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            reason.Length, InventoryMovement.MaxReasonLength, nameof(reason));
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var cancel = new NpgsqlBatch(connection)
        {
            BatchCommands = { ConfirmTransaction.Command(CancelOrder, reservationId) },
        };
        var cancelled = await cancel.ExecuteNonQueryAsync(cancellation) == 1;
        var (order, totals) = await FindOrderAsync(connection, reservationId, cancellation);
        if (order is null) return new(CancelOutcome.NotFound, null, []);
        if (!cancelled) return new(CancelOutcome.AlreadyCancelled, order, totals);

        totals = await GiveBackAsync(connection, order, reason, cancellation);
        await transaction.CommitAsync(cancellation);
        return new(CancelOutcome.Cancelled, order, totals);
    }

    private static async Task<IReadOnlyList<SkuTotal>> GiveBackAsync(
        NpgsqlConnection connection, Order order, string reason, CancellationToken cancellation)
    {
        var skus = order.Items.ConvertAll(item => item.SkuId).ToArray();
        var quantities = order.Items.ConvertAll(item => item.Quantity).ToArray();
        await using var change = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                ConfirmTransaction.Command(ConfirmTransaction.LockTotals, (object)skus),
                ConfirmTransaction.Command(ConfirmTransaction.ChangeTotals, skus, quantities),
            },
        };
        IReadOnlyList<SkuTotal> totals;
        await using (var reader = await change.ExecuteReaderAsync(cancellation))
        {
            await reader.NextResultAsync(cancellation);
            totals = [.. (await ConfirmTransaction.ReadTotalsAsync(reader))
                .OrderBy(total => total.Sku, StringComparer.Ordinal)];
        }

        await using var movements = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                ConfirmTransaction.Command(
                    ConfirmTransaction.InsertMovements,
                    Array.ConvertAll(skus, _ => order.Id),
                    skus,
                    quantities,
                    Array.ConvertAll(skus, _ => reason),
                    Array.ConvertAll(skus, _ => order.ReservationId.ToString()),
                    totals.Select(total => total.Total).ToArray(),
                    totals.Select(total => total.Version).ToArray()),
            },
        };
        if (order.PaymentId is { } payment)
        {
            var why = RefundReason.OrderCancelled.Word();
            movements.BatchCommands.Add(Refund.Write(order.ReservationId, payment, why, order.Id));
        }

        await movements.ExecuteNonQueryAsync(cancellation);
        return totals;
    }
}
