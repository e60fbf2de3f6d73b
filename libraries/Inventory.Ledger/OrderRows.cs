using Npgsql;

namespace Inventory.Ledger;

/// <summary>Reads each order with its items in one row.</summary>
internal static class OrderRows
{
    public const string ByReservations = Select + "WHERE reservation_id = ANY($1)";

    /// <summary>Selects orders; append a condition.</summary>
    public const string Select =
        """
        SELECT id, reservation_id, holder, customer_id, status, payment_id, created_at, confirmed_at, cancelled_at,
               skus, quantities
        FROM orders CROSS JOIN LATERAL (
            SELECT array_agg(sku_id ORDER BY sku_id) AS skus, array_agg(quantity ORDER BY sku_id) AS quantities
            FROM order_items WHERE order_id = orders.id) AS items

        """;

    /// <summary>Reads one order.</summary>
    public static Order Read(NpgsqlDataReader reader)
    {
        var id = reader.GetGuid(0);
        var quantities = reader.GetFieldValue<int[]>(10);
        return new()
        {
            Id = id,
            ReservationId = reader.GetGuid(1),
            Holder = reader.GetString(2),
            CustomerId = reader.GetString(3),
            Status = Enum.Parse<OrderStatus>(reader.GetString(4), ignoreCase: true),
            PaymentId = reader.IsDBNull(5) ? null : reader.GetString(5),
            CreatedAt = reader.GetFieldValue<DateTimeOffset>(6),
            ConfirmedAt = reader.IsDBNull(7) ? null : reader.GetFieldValue<DateTimeOffset>(7),
            CancelledAt = reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8),
            Items =
            [
                .. reader.GetFieldValue<string[]>(9).Zip(quantities, (sku, quantity) =>
                    new OrderItem { OrderId = id, SkuId = sku, Quantity = quantity }),
            ],
        };
    }
}
