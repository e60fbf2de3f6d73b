using Npgsql;

namespace Inventory.Ledger;

public sealed partial class Confirmations
{
    private const string AbandonAttempt =
        """
        INSERT INTO pin_decisions (reservation_id, partition, pin, decision) VALUES ($1, $2, $3, 'abandoned')
        ON CONFLICT DO NOTHING
        """;

    private const string TotalsOfReservation =
        """
        SELECT sku_id, total, version
        FROM orders JOIN order_items ON order_id = id JOIN inventory USING (sku_id)
        WHERE reservation_id = $1 ORDER BY sku_id
        """;

    /// <summary>
    /// Abandons an attempt after its lease has ended, unless there is an order already. Waits for a transaction that is
    /// deciding it. May be repeated.
    /// </summary>
    /// <param name="reservationId">The reservation.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="pin">The attempt's number in that partition.</param>
    /// <param name="cancellation">Stops waiting; the attempt may or may not be abandoned.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable: the hold must stay pinned.</exception>
    public async Task<AbandonAnswer> AbandonAsync(
        Guid reservationId, int partition, int pin, CancellationToken cancellation)
    {
        // The decision is committed before the order is read. If another transaction decided first, it has committed
        // too by then.
        await using (var decision = source.CreateCommand(AbandonAttempt))
        {
            decision.Parameters.Add(new() { Value = reservationId });
            decision.Parameters.Add(new() { Value = partition });
            decision.Parameters.Add(new() { Value = pin });
            await decision.ExecuteNonQueryAsync(cancellation);
        }

        var (order, totals) = await FindOrderAsync(reservationId, cancellation);
        return new(order, totals);
    }

    /// <summary>The order of a reservation and the current totals of its SKUs.</summary>
    /// <param name="reservationId">The reservation.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <returns>Null, and no totals, when there is no order.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is unavailable.</exception>
    public async Task<(Order? Order, IReadOnlyList<SkuTotal> Totals)> FindOrderAsync(
        Guid reservationId, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        return await FindOrderAsync(connection, reservationId, cancellation);
    }

    private static async Task<(Order? Order, IReadOnlyList<SkuTotal> Totals)> FindOrderAsync(
        NpgsqlConnection connection, Guid reservationId, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                ConfirmTransaction.Command(OrderRows.ByReservations, new[] { reservationId }),
                ConfirmTransaction.Command(TotalsOfReservation, reservationId),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var orders = await OrderRows.ReadAsync(reader, cancellation);
        await reader.NextResultAsync(cancellation);
        var totals = await ConfirmTransaction.ReadTotalsAsync(reader);
        // An order that is written between the two reads is found by the next call, with its totals.
        return orders.Count == 0 ? (null, []) : (orders[0], totals);
    }
}
