using Npgsql;

namespace Inventory.Ledger;

// An attempt that is decided for the first time has not been abandoned. If an earlier attempt made the reservation an
// order, inserting it again violates the unique index on the reservation id. So the transaction reads earlier decisions
// and orders only when it repeats something.
internal sealed partial class ConfirmTransaction
{
    private const string ReadAbandoned =
        """
        SELECT DISTINCT reservation_id
        FROM unnest($1::uuid[], $2::int[], $3::int[]) AS attempt (reservation_id, partition, pin)
        JOIN pin_decisions USING (reservation_id, partition, pin)
        WHERE decision = 'abandoned'
        """;

    private readonly Dictionary<Guid, Order> orders = [];
    private readonly HashSet<Guid> abandoned = [];

    /// <summary>
    /// Whether the failure means that a reservation had already become an order without the transaction knowing it.
    /// </summary>
    public static bool IsRepetition(Exception failure) =>
        failure is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    /// <summary>Reads earlier decisions and orders of these reservations while the locks are held.</summary>
    private async Task ReadEarlierAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            Timeout = PatienceSeconds,
            BatchCommands =
            {
                Command(ReadAbandoned, Pins(members)),
                Command(OrderRows.ByReservations, Reservations()),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync()) abandoned.Add(reader.GetGuid(0));
        await reader.NextResultAsync();
        foreach (var order in await OrderRows.ReadAsync(reader, CancellationToken.None))
        {
            orders.Add(order.ReservationId, order);
        }
    }
}
