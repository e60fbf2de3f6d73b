using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>A payment event as it is stored.</summary>
public sealed record StoredPayment
{
    /// <summary>The provider's event id.</summary>
    public required string EventId { get; init; }

    /// <summary>The provider's event type.</summary>
    public required string Type { get; init; }

    /// <summary>The reservation that the payment is for.</summary>
    public required Guid ReservationId { get; init; }

    /// <summary>The provider's payment id.</summary>
    public required string PaymentId { get; init; }

    /// <summary>The W3C trace context of the request.</summary>
    public string? Trace { get; init; }

    /// <summary>The time since it was stored, by the database's clock.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>The verdict; null until it is settled.</summary>
    public PaymentVerdict? Verdict { get; init; }
}

/// <summary>The verdict about a payment event. It never changes.</summary>
/// <param name="Outcome">
/// <see cref="PaymentEvent.Confirmed"/>, <see cref="PaymentEvent.Revived"/>,
/// <see cref="PaymentEvent.RefundRequired"/> or <see cref="PaymentEvent.Noted"/>.
/// </param>
/// <param name="OrderId">The order that it paid.</param>
/// <param name="Reason">The refund reason.</param>
public sealed record PaymentVerdict(string Outcome, Guid? OrderId = null, string? Reason = null);

/// <summary>Stores the events of payment providers and their verdicts.</summary>
/// <remarks>
/// Invariants:
/// <list type="bullet">
/// <item>An event is stored once, before it takes effect, and has one verdict.</item>
/// <item>A payment of a reservation either pays its order or is refunded. Both decisions are made while the
/// reservation's events are locked: a confirm's transaction decides for the order, this class decides everything
/// else.</item>
/// <item>Rows are locked in one order: decisions about pins, events, orders, inventory.</item>
/// </list>
/// No transaction of this class stays open while it waits for something else.
/// </remarks>
public sealed class Payments(NpgsqlDataSource source)
{
    // Only an approved payment needs settlement.
    private const string Insert =
        $"""
        INSERT INTO payment_events
            (event_id, type, reservation_id, payment_id, occurred_at, body, trace, outcome, processed_at)
        VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7,
            CASE WHEN $2 <> '{PaymentEvent.Approved}' THEN '{PaymentEvent.Noted}' END,
            CASE WHEN $2 <> '{PaymentEvent.Approved}' THEN now() END)
        ON CONFLICT (event_id) DO NOTHING
        """;

    // In one statement, so that the event and the message about it are written both or neither, and once.
    private const string InsertReversal =
        $$"""
        WITH stored AS ({{Insert}} RETURNING event_id)
        INSERT INTO outbox (kind, key, payload)
        SELECT $8, $8 || ':' || event_id, jsonb_strip_nulls(jsonb_build_object(
            'eventId', event_id, 'reservationId', $3::uuid, 'paymentId', $4::text,
            'orderId', (SELECT id FROM orders WHERE reservation_id = $3),
            'amount', $6::jsonb #> '{data,amount}', 'currency', $6::jsonb #> '{data,currency}',
            'reference', coalesce($6::jsonb #>> '{data,reference}', event_id), 'at', $5::timestamptz,
            'trace', $7::text))
        FROM stored
        """;

    // Only a reversal has a reference.
    private const string WithoutReference = $"'{PaymentEvent.Approved}', '{PaymentEvent.Failed}'";

    // Other members may differ between two attempts of one event, such as a counter of attempts.
    private const string IsSame =
        $$"""
        SELECT type = $2 AND reservation_id = $3 AND payment_id = $4
            AND body #>> '{data,amount}' IS NOT DISTINCT FROM $5::jsonb #>> '{data,amount}'
            AND body #>> '{data,currency}' IS NOT DISTINCT FROM $5::jsonb #>> '{data,currency}'
            AND (type IN ({{WithoutReference}})
                OR body #>> '{data,reference}' IS NOT DISTINCT FROM $5::jsonb #>> '{data,reference}')
        FROM payment_events WHERE event_id = $1
        """;

    // The row shows an operator money that may have come and is no order. Its key keeps the provider's repetitions from
    // adding rows.
    private const string Record =
        $$"""
        INSERT INTO outbox (kind, key, payload)
        SELECT 'payment_event_conflict', 'payment_event_conflict:' || $1 || ':' || md5((jsonb_build_array(
                $2::text, $3::uuid, $4::text, $5::jsonb #>> '{data,amount}', $5::jsonb #>> '{data,currency}')
                || CASE WHEN $2 IN ({{WithoutReference}}) THEN '[]'
                    ELSE jsonb_build_array($5::jsonb #>> '{data,reference}') END)::text),
            jsonb_strip_nulls(jsonb_build_object('eventId', $1::text, 'event', $5::jsonb, 'trace', $6::text))
        ON CONFLICT (key) DO NOTHING
        """;

    private const string Read =
        $"""
        SELECT event_id, type, event.reservation_id, event.payment_id, trace,
            extract(epoch FROM now() - received_at)::float8, outcome, orders.id, outbox.payload ->> 'reason'
        FROM payment_events AS event
        LEFT JOIN orders ON orders.reservation_id = event.reservation_id
            AND outcome IN ('{PaymentEvent.Confirmed}', '{PaymentEvent.Revived}')
        LEFT JOIN outbox ON outcome = '{PaymentEvent.RefundRequired}'
            AND outbox.key = '{Refund.Kind}:' || event.reservation_id || ':' || event.payment_id
        WHERE event_id = ANY($1)
        ORDER BY received_at
        """;

    // Postponing the next attempt keeps other instances off without a lock. If this instance crashes, another one tries
    // later.
    private const string Claim =
        """
        UPDATE payment_events SET next_attempt_at = now() + $2
        WHERE event_id IN (
            SELECT event_id FROM payment_events WHERE processed_at IS NULL AND next_attempt_at <= now()
            ORDER BY next_attempt_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING event_id
        """;

    private const string Return =
        "UPDATE payment_events SET next_attempt_at = now() WHERE event_id = ANY($1) AND processed_at IS NULL";

    private const string Postpone =
        """
        UPDATE payment_events SET attempts = attempts + 1,
            next_attempt_at = now() + least(interval '1 second' * pow(2, least(attempts, 20)), $2)
        WHERE event_id = $1 AND processed_at IS NULL
        """;

    private const string FindParts =
        """
        SELECT partition, holder, status, deadline, lines, sequence, created_at, updated_at
        FROM reservations WHERE reservation_id = $1 ORDER BY partition
        """;

    private const string Count = "SELECT count(*) FROM payment_events WHERE processed_at IS NULL";

    private const string CountUntried =
        """
        SELECT count(*) FROM payment_events
        WHERE processed_at IS NULL AND attempts = 0 AND ($1 OR next_attempt_at > now())
        """;

    /// <summary>
    /// How long a claim keeps other instances off: longer than settling takes when PostgreSQL is slow.
    /// </summary>
    private static readonly TimeSpan ClaimedFor = TimeSpan.FromSeconds(30);

    /// <summary>Maximum pause between two attempts at one event.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>Stores an event, unless it is stored already.</summary>
    /// <param name="entry">The event.</param>
    /// <param name="cancellation">Stops waiting; the event may or may not be stored.</param>
    /// <returns>
    /// The stored event, whether this call stored it or an earlier one, with its verdict if it has one. Null when the
    /// event's id came with another type, payment or reversal before: then the outbox has a message about this one. A
    /// reversal has a message in the outbox, written with it.
    /// </returns>
    /// <exception cref="StoreRejectedException">The body is not valid JSON for PostgreSQL: class 22.</exception>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<StoredPayment?> StoreAsync(PaymentEvent entry, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(entry);
        await using var connection = await source.ConnectAsync(cancellation);
        var (stored, isSame) = await connection.ReadAsync(
            [
                Write(entry),
                Sql.Command(Read, (object)new[] { entry.EventId }),
                Sql.Command(
                    IsSame, entry.EventId, entry.Type, entry.ReservationId, entry.PaymentId, entry.Body),
            ],
            async reader =>
            {
                var payment = (await reader.ReadAllAsync(ToPayment, cancellation)).Single();
                await reader.NextResultAsync(cancellation);
                await reader.ReadAsync(cancellation);
                return (payment, reader.GetBoolean(0));
            },
            cancellation);
        if (isSame) return stored;
        await connection.ExecuteAsync(
            Record, cancellation, entry.EventId, entry.Type, entry.ReservationId, entry.PaymentId, entry.Body,
            entry.Trace);
        return null;
    }

    private static NpgsqlBatchCommand Write(PaymentEvent entry)
    {
        object?[] row =
        [
            entry.EventId, entry.Type, entry.ReservationId, entry.PaymentId, entry.OccurredAt.ToUniversalTime(),
            entry.Body, entry.Trace,
        ];
        return ReversalTypes.KindOf(entry.Type) is { } kind
            ? Sql.Command(InsertReversal, [.. row, kind.Message()])
            : Sql.Command(Insert, row);
    }

    /// <summary>Claims due events, so that no other instance tries them for a while.</summary>
    /// <param name="count">Maximum number, 1 or more.</param>
    /// <param name="cancellation">Stops waiting; events may or may not be claimed.</param>
    /// <returns>The events, the oldest first.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<IReadOnlyList<StoredPayment>> ClaimAsync(int count, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        await using var connection = await source.ConnectAsync(cancellation);
        var ids = await connection.ReadAsync(Claim, row => row.GetString(0), cancellation, count, ClaimedFor);
        return ids.Count == 0 ? [] : await connection.ReadAsync(Read, ToPayment, cancellation, (object)ids.ToArray());
    }

    /// <summary>Releases claims of events that were not tried because a store is unavailable.</summary>
    public Task ReturnAsync(IEnumerable<string> eventIds, CancellationToken cancellation) =>
        source.ExecuteAsync(Return, cancellation, (object)eventIds.ToArray());

    /// <summary>Postpones the next attempt after a failed one, longer each time.</summary>
    public Task PostponeAsync(string eventId, CancellationToken cancellation) =>
        source.ExecuteAsync(Postpone, cancellation, eventId, LongestPause);

    /// <summary>The rows of a reservation that Redis' events have created, one for each partition.</summary>
    /// <returns>Empty if no event of the reservation is stored yet.</returns>
    public async Task<IReadOnlyList<ReservationRow>> FindReservationAsync(
        Guid reservationId, CancellationToken cancellation)
    {
        return await source.ReadAsync(
            FindParts,
            row => new ReservationRow
            {
                ReservationId = reservationId,
                Partition = row.GetInt32(0),
                Holder = row.GetString(1),
                Status = row.GetString(2),
                Deadline = row.GetFieldValue<DateTimeOffset>(3),
                Lines = row.GetString(4),
                Sequence = row.GetInt32(5),
                CreatedAt = row.GetFieldValue<DateTimeOffset>(6),
                UpdatedAt = row.GetFieldValue<DateTimeOffset>(7),
            },
            cancellation, reservationId);
    }

    /// <summary>The number of events without a verdict.</summary>
    public async Task<long> CountUnsettledAsync(CancellationToken cancellation) =>
        (long)(await source.ReadValueAsync(Count, cancellation))!;

    /// <summary>The number of events without a finished attempt.</summary>
    /// <param name="all">Whether unclaimed events count too.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task<long> CountUntriedAsync(bool all, CancellationToken cancellation) =>
        (long)(await source.ReadValueAsync(CountUntried, cancellation, all))!;

    private static StoredPayment ToPayment(NpgsqlDataReader row) => new()
    {
        EventId = row.GetString(0),
        Type = row.GetString(1),
        ReservationId = row.GetGuid(2),
        PaymentId = row.GetString(3),
        Trace = row.IsDBNull(4) ? null : row.GetString(4),
        Age = TimeSpan.FromSeconds(row.GetDouble(5)),
        Verdict = row.IsDBNull(6) ? null : new(
            row.GetString(6),
            row.IsDBNull(7) ? null : row.GetGuid(7),
            row.IsDBNull(8) ? null : row.GetString(8)),
    };

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
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task<(PaymentVerdict Verdict, bool IsNew)> ConcludeAsync(
        StoredPayment payment, RefundReason withoutOrder, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return source.InTransactionAsync(
            connection => DecideAsync(connection, payment, withoutOrder, cancellation), cancellation);
    }

    private static async Task<(PaymentVerdict Verdict, bool IsNew)> DecideAsync(
        NpgsqlConnection connection, StoredPayment payment, RefundReason withoutOrder, CancellationToken cancellation)
    {
        var found = await LockAsync(connection, payment, cancellation);
        if (found.Verdict is not null) return (found.Verdict, false);

        var changes = new List<NpgsqlBatchCommand>();
        var verdict = Judge(payment, found, withoutOrder);
        if (verdict.Outcome == PaymentEvent.RefundRequired)
        {
            changes.Add(Refund.Write(payment.ReservationId, payment.PaymentId, verdict.Reason!, found.OrderId));
        }

        if (found.OrderId is { } order && found.PaymentId is null)
        {
            changes.Add(Sql.Command(Attach, order, payment.PaymentId));
        }

        changes.Add(Sql.Command(Decide, payment.EventId, verdict.Outcome));
        await connection.ExecuteAsync(changes, cancellation);
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

    private static Task<Found> LockAsync(
        NpgsqlConnection connection, StoredPayment payment, CancellationToken cancellation) => connection.ReadAsync(
        [
            Sql.Command(LockEvents, payment.ReservationId),
            Sql.Command(LockOrder, payment.ReservationId),
            Sql.Command(ReadRefund, Refund.KeyOf(payment.ReservationId, payment.PaymentId)),
            Sql.Command(Read, (object)new[] { payment.EventId }),
        ],
        reader => ReadFoundAsync(reader, cancellation),
        cancellation);

    private static async Task<Found> ReadFoundAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var found = new Found();
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
        var stored = (await reader.ReadAllAsync(ToPayment, cancellation)).Single();
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
