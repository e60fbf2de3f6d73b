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
    /// Gives up an attempt whose lease has ended, unless there is an order already. A transaction that decides about it
    /// at this moment is waited for. May be repeated.
    /// </summary>
    /// <param name="reservationId">The reservation.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="pin">The attempt's number in that partition.</param>
    /// <param name="cancellation">Ends the waiting: the attempt may be given up or not then.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is away: the hold must stay pinned.</exception>
    public async Task<AbandonAnswer> AbandonAsync(
        Guid reservationId, int partition, int pin, CancellationToken cancellation)
    {
        // Committed before the order is looked for. Whoever's decision came first has committed too by then.
        await using (var decision = source.CreateCommand(AbandonAttempt))
        {
            decision.Parameters.Add(new() { Value = reservationId });
            decision.Parameters.Add(new() { Value = partition });
            decision.Parameters.Add(new() { Value = pin });
            await decision.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }

        var (order, totals) = await FindOrderAsync(reservationId, cancellation).ConfigureAwait(false);
        return new(order, totals);
    }

    /// <summary>The order that a reservation has become, and its SKUs' totals as they are now.</summary>
    /// <param name="reservationId">The reservation.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>Null, and no totals, when there is no order.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<(Order? Order, IReadOnlyList<SkuTotal> Totals)> FindOrderAsync(
        Guid reservationId, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        return await FindOrderAsync(connection, reservationId, cancellation).ConfigureAwait(false);
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
        await using var reader = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        var orders = await OrderRows.ReadAsync(reader, cancellation).ConfigureAwait(false);
        await reader.NextResultAsync(cancellation).ConfigureAwait(false);
        var totals = await ConfirmTransaction.ReadTotalsAsync(reader).ConfigureAwait(false);
        // An order that was written between the two reads is found by the next one, with its totals.
        return orders.Count == 0 ? (null, []) : (orders[0], totals);
    }
}
