using Inventory.Contracts;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>A stored payment that is not settled yet.</summary>
/// <param name="ReservationId">The reservation that was paid for.</param>
/// <param name="PaymentId">The provider's payment id.</param>
/// <param name="Since">When it was stored.</param>
/// <param name="Holder">The reservation's holder; null while PostgreSQL doesn't know the reservation.</param>
/// <param name="Lines">The reservation's lines; empty while PostgreSQL doesn't know the reservation.</param>
public sealed record UnsettledPayment(
    Guid ReservationId, string PaymentId, DateTimeOffset Since, string? Holder, IReadOnlyList<Line> Lines);

/// <summary>Finds orders.</summary>
public sealed class Orders(NpgsqlDataSource source)
{
    /// <summary>
    /// A PostgreSQL interval, well over the time in which the caller that cancels an order may tell Redis of it
    /// (<c>ConfirmationStore.CancelPatience</c>).
    /// </summary>
    public const string LongAfterCancel = "30 seconds";

    /// <summary>
    /// SQL for the owner of the limit that an order counts towards, from its column holder. All carts of a shopper's
    /// session have one owner, as in <c>Holder.Owner</c> and in <c>owner_of</c> of the scripts. An index uses exactly
    /// this expression.
    /// </summary>
    public const string OwnerSql =
        """
        (CASE WHEN holder LIKE 's:%' THEN 'u:' || split_part(substr(holder, 3), '|', 1) ELSE holder END) COLLATE "C"
        """;

    private const string ById = OrderRows.Select + "WHERE id = $1";

    private const string LastOfHolder =
        OrderRows.Select + """
        WHERE customer_id = $1 AND holder = $2
            AND EXISTS (SELECT 1 FROM order_items WHERE order_id = orders.id AND sku_id = $3)
        ORDER BY created_at DESC LIMIT 1
        """;

    private const string Unsettled =
        $"""
        SELECT payment_id, received_at, holder, skus, quantities
        FROM payment_events LEFT JOIN (
            SELECT reservation_id, min(holder) AS holder,
                array_agg(line ->> 'sku' ORDER BY partition, place) AS skus,
                array_agg((line ->> 'quantity')::int ORDER BY partition, place) AS quantities
            FROM reservations, jsonb_array_elements(lines) WITH ORDINALITY AS each (line, place)
            WHERE reservation_id = $1 GROUP BY reservation_id
        ) AS held USING (reservation_id)
        WHERE reservation_id = $1 AND type = '{PaymentEvent.Approved}' AND processed_at IS NULL
        ORDER BY received_at LIMIT 1
        """;

    /// <summary>The order with this id; null when there is none.</summary>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task<Order?> FindAsync(Guid id, CancellationToken cancellation) => FindAsync(ById, [id], cancellation);

    /// <summary>The order that a reservation has become; null when there is none.</summary>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task<Order?> FindByReservationAsync(Guid reservationId, CancellationToken cancellation) =>
        FindAsync(OrderRows.ByReservations, [new[] { reservationId }], cancellation);

    /// <summary>A holder's last order that contains a SKU; null when there is none.</summary>
    /// <param name="holder">The holder in the form that Redis stores: a prefix, a colon and the id.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task<Order?> FindLastAsync(string holder, string sku, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(holder);
        var id = holder[(holder.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return FindAsync(LastOfHolder, [id, holder, sku], cancellation);
    }

    /// <summary>What went back of a reservation's payments, has to go back, or is disputed.</summary>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task<Reversals> FindReversalsAsync(Guid reservationId, CancellationToken cancellation) =>
        ReversalRows.ReadAsync(source, reservationId, cancellation);

    /// <summary>A reservation's payment that is not settled yet.</summary>
    /// <returns>The oldest; null when there is none.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<UnsettledPayment?> FindUnsettledAsync(
        Guid reservationId, CancellationToken cancellation)
    {
        var found = await source.ReadAsync(Unsettled, row => Read(reservationId, row), cancellation, reservationId);
        return found.SingleOrDefault();
    }

    private static UnsettledPayment Read(Guid reservationId, NpgsqlDataReader row)
    {
        var (payment, since) = (row.GetString(0), row.GetFieldValue<DateTimeOffset>(1));
        if (row.IsDBNull(2)) return new(reservationId, payment, since, null, []);
        var lines = row.GetFieldValue<string[]>(3)
            .Zip(row.GetFieldValue<int[]>(4), (sku, quantity) => new Line(sku, quantity));
        return new(reservationId, payment, since, row.GetString(2), [.. lines]);
    }

    private async Task<Order?> FindAsync(string sql, object[] arguments, CancellationToken cancellation) =>
        (await source.ReadAsync(sql, OrderRows.Read, cancellation, arguments)).SingleOrDefault();
}
