using Npgsql;

namespace Inventory.Ledger;

// An attempt that is decided about for the first time was not abandoned. A reservation that an earlier attempt has made
// an order shows by its unique id, when it is written once more. So only a repetition looks for either.
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

    /// <summary>Whether one of them had become an order before, and the transaction did not know.</summary>
    public static bool IsRepetition(Exception failure) =>
        failure is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    /// <summary>Reads, with the locks held, what has become of these reservations before.</summary>
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
        await using var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        while (await reader.ReadAsync().ConfigureAwait(false)) abandoned.Add(reader.GetGuid(0));
        await reader.NextResultAsync().ConfigureAwait(false);
        foreach (var order in await OrderRows.ReadAsync(reader, CancellationToken.None).ConfigureAwait(false))
        {
            orders.Add(order.ReservationId, order);
        }
    }
}
