using Npgsql;

namespace Inventory.Ledger;

/// <summary>A payment that is known, and whose order is not decided yet.</summary>
/// <param name="ReservationId">What it pays for.</param>
/// <param name="PaymentId">The provider's name for the payment.</param>
/// <param name="Since">When it was stored.</param>
/// <param name="Holder">Who holds the reservation, or held it; null while PostgreSQL has not heard of it.</param>
/// <param name="Lines">What is to be bought; empty while PostgreSQL has not heard of it.</param>
public sealed record UnsettledPayment(
    Guid ReservationId, string PaymentId, DateTimeOffset Since, string? Holder, IReadOnlyList<OrderLine> Lines);

/// <summary>Finds orders.</summary>
public sealed class Orders(NpgsqlDataSource source)
{
    /// <summary>
    /// Whose limit an order counts towards, by its column holder: the carts of a shopper's session count together, as
    /// <c>Holder.Owner</c> of the stock engine and <c>owner_of</c> of its scripts say. An index has this very text.
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

    /// <summary>The order of this id; null when there is none.</summary>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public Task<Order?> FindAsync(Guid id, CancellationToken cancellation) => FindAsync(ById, [id], cancellation);

    /// <summary>The order that a reservation has become; null when there is none.</summary>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public Task<Order?> FindByReservationAsync(Guid reservationId, CancellationToken cancellation) =>
        FindAsync(OrderRows.ByReservations, [new[] { reservationId }], cancellation);

    /// <summary>The last order of a holder that has a SKU; null when there is none.</summary>
    /// <param name="holder">As the stock engine writes it: a mark, a colon and the id.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public Task<Order?> FindLastAsync(string holder, string sku, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(holder);
        var id = holder[(holder.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return FindAsync(LastOfHolder, [id, holder, sku], cancellation);
    }

    /// <summary>A payment of a reservation whose order is not decided yet.</summary>
    /// <returns>The oldest; null when there is none.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<UnsettledPayment?> FindUnsettledAsync(
        Guid reservationId, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Unsettled);
        command.Parameters.Add(new() { Value = reservationId });
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!await reader.ReadAsync(cancellation).ConfigureAwait(false)) return null;
        var (payment, since) = (reader.GetString(0), reader.GetFieldValue<DateTimeOffset>(1));
        if (reader.IsDBNull(2)) return new(reservationId, payment, since, null, []);
        var lines = reader.GetFieldValue<string[]>(3)
            .Zip(reader.GetFieldValue<int[]>(4), (sku, quantity) => new OrderLine(sku, quantity));
        return new(reservationId, payment, since, reader.GetString(2), [.. lines]);
    }

    private async Task<Order?> FindAsync(string sql, object[] arguments, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(sql);
        foreach (var argument in arguments) command.Parameters.Add(new() { Value = argument });
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        return (await OrderRows.ReadAsync(reader, cancellation).ConfigureAwait(false)).SingleOrDefault();
    }
}
