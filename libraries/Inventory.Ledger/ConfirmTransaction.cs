using Inventory.Contracts;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>
/// One transaction that decides many reservations, in three round trips. It takes four if one of them may already have
/// been decided.
/// </summary>
internal sealed class ConfirmTransaction
{
    /// <summary>
    /// Timeout of one round trip. A lease is some ten seconds: an attempt that waited longer is abandoned anyway.
    /// </summary>
    private const int PatienceSeconds = 10;

    // The insert waits for another transaction that decides the same attempt; keys are inserted in order. Outdated
    // attempts are left out: after a rebuild, a new attempt can have the same number.
    private const string Decide =
        $"""
        WITH attempt AS (
            SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::bigint[])
                AS attempt (reservation_id, partition, pin, pin_epoch))
        INSERT INTO pin_decisions (reservation_id, partition, pin, decision)
        SELECT reservation_id, partition, pin, '{PinDecision.Confirmed}' FROM attempt
        WHERE reservation_id NOT IN (
            SELECT reservation_id FROM attempt JOIN fences USING (partition) WHERE epoch > pin_epoch)
        ORDER BY reservation_id, partition, pin
        ON CONFLICT DO NOTHING
        """;

    /// <summary>Locks the rows as an update would, one after the other: PostgreSQL sorts before it locks.</summary>
    internal const string LockTotals =
        """
        SELECT sku_id, total, version FROM inventory WHERE sku_id = ANY($1) ORDER BY sku_id FOR NO KEY UPDATE
        """;

    private const string Abandon =
        $"""
        UPDATE pin_decisions SET decision = '{PinDecision.Abandoned}'
        FROM unnest($1::uuid[], $2::int[], $3::int[]) AS attempt (reservation_id, partition, pin)
        WHERE pin_decisions.reservation_id = attempt.reservation_id
          AND pin_decisions.partition = attempt.partition AND pin_decisions.pin = attempt.pin
        """;

    private const string InsertOrders =
        """
        INSERT INTO orders (id, reservation_id, holder, customer_id, payment_id, status, confirmed_at)
        SELECT *, 'CONFIRMED', now() FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
        """;

    private const string InsertItems =
        """
        INSERT INTO order_items (order_id, sku_id, quantity) SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[])
        """;

    /// <summary>Adds quantities, which may be below 0, to totals and returns the new totals.</summary>
    internal const string ChangeTotals =
        """
        UPDATE inventory SET total = total + quantity
        FROM unnest($1::text[], $2::int[]) AS change (sku, quantity)
        WHERE sku_id = sku
        RETURNING sku_id, total, version
        """;

    internal const string InsertMovements =
        """
        INSERT INTO inventory_movements (order_id, sku_id, quantity, reason, reference, total_after, version_after)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::int[], $7::bigint[])
        """;

    private readonly List<ConfirmMember> members;
    private readonly Dictionary<int, long> epochs = [];
    private readonly Dictionary<string, SkuTotal> before = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> left = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SkuTotal> after = new(StringComparer.Ordinal);
    private readonly List<Order> written = [];
    private readonly Dictionary<Guid, Order> orders = [];
    private readonly HashSet<Guid> abandoned = [];
    private readonly HashSet<string> refunds = new(StringComparer.Ordinal);
    private DateTimeOffset now;

    private ConfirmTransaction(List<ConfirmMember> members) => this.members = members;

    /// <summary>Decides all reservations, or throws and decides none.</summary>
    /// <param name="source">The ledger.</param>
    /// <param name="members">The members, each with a different reservation.</param>
    /// <param name="isKnown">Whether one of them is known to have become an order already.</param>
    /// <returns>One answer for each member, in the same order.</returns>
    public static async Task<ConfirmAnswer[]> RunAsync(
        NpgsqlDataSource source, List<ConfirmMember> members, bool isKnown)
    {
        var self = new ConfirmTransaction(members);
        using var activity = ConfirmSpan.Start(members);
        var answers = await source.InTransactionAsync(
            connection => self.DecideAsync(connection, isKnown), CancellationToken.None);
        return [.. answers.Select((answer, i) => answer.Order is { } order ? self.WithTotals(answer, order) : answer)];
    }

    private async Task<List<ConfirmAnswer>> DecideAsync(NpgsqlConnection connection, bool isKnown)
    {
        var areAllNew = await ReadAsync(connection) && !isKnown;
        var answers = areAllNew ? Answers() : [];
        if (!areAllNew || answers.Exists(answer => answer.Outcome != ConfirmOutcome.Confirmed))
        {
            await ReadEarlierAsync(connection);
            answers = Answers();
        }

        await WriteAsync(connection, answers);
        return answers;
    }

    /// <summary>The first round trip: takes the locks, then reads under them.</summary>
    /// <returns>Whether this transaction decided every attempt for the first time.</returns>
    private async Task<bool> ReadAsync(NpgsqlConnection connection)
    {
        var pins = Pins(members);
        var skus = members.SelectMany(member => member.Lines, (_, line) => line.Sku).Distinct().ToArray();
        var decide = Sql.Command(Decide, [.. pins, members.SelectMany(Epochs).ToArray()]);
        List<NpgsqlBatchCommand> commands =
        [
            Sql.Command(Fences.LockForConfirm, members.SelectMany(Partitions).Distinct().ToArray()),
            decide,
            Sql.Command(LockPayments, Reservations()),
            Sql.Command(LockTotals, (object)skus),
            Sql.Command("SELECT now()"),
        ];
        if (RefundKeys() is { Length: > 0 } keys) commands.Add(Sql.Command(ReadRefunds, (object)keys));
        await connection.ReadAsync(commands, ReadUnderLocksAsync, CancellationToken.None, PatienceSeconds);
        return decide.RecordsAffected == members.Sum(member => member.Request.Pins.Count);
    }

    private async Task<int> ReadUnderLocksAsync(NpgsqlDataReader reader)
    {
        while (await reader.ReadAsync()) epochs.Add(reader.GetInt32(0), reader.GetInt64(1));
        await reader.NextResultAsync();
        await reader.NextResultAsync();
        foreach (var total in await ReadTotalsAsync(reader)) before.Add(total.Sku, total);
        await reader.NextResultAsync();
        await reader.ReadAsync();
        now = reader.GetFieldValue<DateTimeOffset>(0);
        await reader.NextResultAsync();
        while (await reader.ReadAsync()) refunds.Add(reader.GetString(0));
        return before.Count;
    }

    private List<ConfirmAnswer> Answers()
    {
        written.Clear();
        foreach (var total in before.Values) left[total.Sku] = total.Total;
        return members.ConvertAll(Answer);
    }

    private ConfirmAnswer Answer(ConfirmMember member)
    {
        var request = member.Request;
        if (orders.TryGetValue(request.ReservationId, out var existing))
        {
            return member.Describes(existing)
                ? new() { Outcome = ConfirmOutcome.AlreadyConfirmed, Order = existing }
                : new() { Outcome = ConfirmOutcome.IdUsedBefore };
        }

        if (request.Pins.Any(pin => epochs.GetValueOrDefault(pin.Partition) > pin.Epoch))
        {
            return new() { Outcome = ConfirmOutcome.PinOutdated };
        }

        if (abandoned.Contains(request.ReservationId)) return new() { Outcome = ConfirmOutcome.PinAbandoned };
        if (IsRefunded(request)) return new() { Outcome = ConfirmOutcome.RefundRequired };
        foreach (var line in member.Lines)
        {
            if (left.GetValueOrDefault(line.Sku) < line.Quantity)
            {
                return new() { Outcome = ConfirmOutcome.NotCovered, Sku = line.Sku };
            }
        }

        foreach (var line in member.Lines) left[line.Sku] -= line.Quantity;
        var order = NewOrder(member);
        written.Add(order);
        return new() { Outcome = ConfirmOutcome.Confirmed, Order = order };
    }

    private Order NewOrder(ConfirmMember member)
    {
        var id = Guid.CreateVersion7(now);
        return new()
        {
            Id = id,
            ReservationId = member.Request.ReservationId,
            Holder = member.Request.Holder,
            CustomerId = member.CustomerId,
            Status = OrderStatus.Confirmed,
            PaymentId = member.Request.PaymentId,
            CreatedAt = now,
            ConfirmedAt = now,
            Items =
            [
                .. member.Lines.Select(line =>
                    new OrderItem { OrderId = id, SkuId = line.Sku, Quantity = line.Quantity }),
            ],
        };
    }

    /// <summary>The last round trip before the commit.</summary>
    private async Task WriteAsync(NpgsqlConnection connection, List<ConfirmAnswer> answers)
    {
        var refused = members
            .Where((_, i) => answers[i].Outcome is < 0 and not ConfirmOutcome.PinOutdated).ToList();
        var commands = new List<NpgsqlBatchCommand>();
        // The caller unpins a refused hold. If its attempt stayed open, a second call for it could still write an
        // order.
        if (refused.Count > 0) commands.Add(Sql.Command(Abandon, Pins(refused)));
        if (written.Count > 0) AddWrites(commands);
        if (written.Exists(order => order.PaymentId is not null)) AddPayments(commands);
        if (commands.Count == 0) return;

        var totals = await connection.ReadAsync(commands, ReadTotalsAsync, CancellationToken.None, PatienceSeconds);
        foreach (var total in totals) after.Add(total.Sku, total);
        foreach (var total in after.Values)
        {
            if (total != new SkuTotal(total.Sku, left[total.Sku], before[total.Sku].Version + 1))
            {
                throw new InvalidOperationException($"The row of {total.Sku} was written despite its lock: {total}.");
            }
        }
    }

    private void AddWrites(List<NpgsqlBatchCommand> commands)
    {
        var items = written.SelectMany(order => order.Items, (order, item) => (Order: order, Item: item)).ToList();
        var running = before.ToDictionary(total => total.Key, total => total.Value.Total, StringComparer.Ordinal);
        var ids = items.ConvertAll(one => one.Order.Id).ToArray();
        var skus = items.ConvertAll(one => one.Item.SkuId).ToArray();
        var sold = skus.Distinct().ToArray();
        commands.Add(Sql.Command(
            InsertOrders,
            written.ConvertAll(order => order.Id).ToArray(),
            written.ConvertAll(order => order.ReservationId).ToArray(),
            written.ConvertAll(order => order.Holder).ToArray(),
            written.ConvertAll(order => order.CustomerId).ToArray(),
            written.ConvertAll(order => order.PaymentId).ToArray()));
        commands.Add(Sql.Command(InsertItems, ids, skus, items.ConvertAll(one => one.Item.Quantity).ToArray()));
        commands.Add(Sql.Command(
            ChangeTotals, sold, sold.Select(sku => left[sku] - before[sku].Total).ToArray()));
        commands.Add(Sql.Command(
            InsertMovements,
            ids,
            skus,
            items.ConvertAll(one => -one.Item.Quantity).ToArray(),
            items.ConvertAll(_ => InventoryMovement.Sold).ToArray(),
            items.ConvertAll(one => one.Order.ReservationId.ToString()).ToArray(),
            items.ConvertAll(one => running[one.Item.SkuId] -= one.Item.Quantity).ToArray(),
            items.ConvertAll(one => before[one.Item.SkuId].Version + 1).ToArray()));
    }

    private ConfirmAnswer WithTotals(ConfirmAnswer answer, Order order) => answer with
    {
        Totals = [.. order.Items.Select(item => after.GetValueOrDefault(item.SkuId, before[item.SkuId]))],
    };

    private static object[] Pins(List<ConfirmMember> members)
    {
        var pins = members
            .SelectMany(member => member.Request.Pins, (member, pin) => (member.Request, Pin: pin)).ToList();
        return
        [
            pins.ConvertAll(one => one.Request.ReservationId).ToArray(),
            pins.ConvertAll(one => one.Pin.Partition).ToArray(),
            pins.ConvertAll(one => one.Pin.Number).ToArray(),
        ];
    }

    private Guid[] Reservations() => [.. members.Select(member => member.Request.ReservationId)];

    private static IEnumerable<int> Partitions(ConfirmMember member) =>
        member.Request.Pins.Select(pin => pin.Partition);

    private static IEnumerable<long> Epochs(ConfirmMember member) => member.Request.Pins.Select(pin => pin.Epoch);

    /// <summary>Reads the rest of a result set of SKU, total and version.</summary>
    internal static Task<List<SkuTotal>> ReadTotalsAsync(NpgsqlDataReader reader) => reader.ReadAllAsync(
        row => new SkuTotal(row.GetString(0), row.GetInt32(1), row.GetInt64(2)), CancellationToken.None);

    // An attempt that is decided for the first time has not been abandoned. If an earlier attempt made the reservation
    // an order, inserting it again violates the unique index on the reservation id. So the transaction reads earlier
    // decisions and orders only when it repeats something.
    private const string ReadAbandoned =
        $"""
        SELECT DISTINCT reservation_id
        FROM unnest($1::uuid[], $2::int[], $3::int[]) AS attempt (reservation_id, partition, pin)
        JOIN pin_decisions USING (reservation_id, partition, pin)
        WHERE decision = '{PinDecision.Abandoned}'
        """;

    /// <summary>
    /// Whether the failure means that a reservation had already become an order without the transaction knowing it.
    /// </summary>
    public static bool IsRepetition(Exception failure) =>
        failure is StoreRejectedException { Code: PostgresErrorCodes.UniqueViolation };

    /// <summary>Reads earlier decisions and orders of these reservations while the locks are held.</summary>
    private async Task ReadEarlierAsync(NpgsqlConnection connection)
    {
        var earlier = await connection.ReadAsync(
            [
                Sql.Command(ReadAbandoned, Pins(members)),
                Sql.Command(OrderRows.ByReservations, Reservations()),
            ],
            async reader =>
            {
                while (await reader.ReadAsync()) abandoned.Add(reader.GetGuid(0));
                await reader.NextResultAsync();
                return await reader.ReadAllAsync(OrderRows.Read, CancellationToken.None);
            },
            CancellationToken.None, PatienceSeconds);
        foreach (var order in earlier) orders.Add(order.ReservationId, order);
    }

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

    private string[] RefundKeys() =>
    [
        .. members.Where(member => member.Request.PaymentId is not null)
            .Select(member => Refund.KeyOf(member.Request.ReservationId, member.Request.PaymentId!)),
    ];

    private bool IsRefunded(ConfirmRequest request) =>
        request.PaymentId is { } payment && refunds.Contains(Refund.KeyOf(request.ReservationId, payment));

    /// <summary>Marks the payments of the written orders as settled, in the same transaction.</summary>
    private void AddPayments(List<NpgsqlBatchCommand> commands)
    {
        var late = members.Where(member => member.Request.Late)
            .Select(member => member.Request.ReservationId).ToHashSet();
        var paid = written.FindAll(order => order.PaymentId is not null);
        commands.Add(Sql.Command(
            MarkPaid,
            paid.ConvertAll(order => order.ReservationId).ToArray(),
            paid.ConvertAll(order => order.PaymentId).ToArray(),
            paid.ConvertAll(order => late.Contains(order.ReservationId)).ToArray()));
    }
}
