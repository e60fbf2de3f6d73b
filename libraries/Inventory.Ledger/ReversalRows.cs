using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>Reads the reversals of one reservation, and the refunds that its payments require.</summary>
internal static class ReversalRows
{
    // Events with one reference are about one refund or dispute, so it counts once. Where they differ the smaller
    // amount counts: a refund that is still required must not look completed.
    private const string Reported =
        """
        SELECT DISTINCT ON (payment_id, is_refund, is_named, reference)
            is_refund, payment_id, amount, currency, reference, occurred_at
        FROM (
            SELECT type = ANY($2) AS is_refund, payment_id, (body #>> '{data,amount}')::bigint AS amount,
                body #>> '{data,currency}' AS currency, body #>> '{data,reference}' IS NOT NULL AS is_named,
                coalesce(body #>> '{data,reference}', event_id) AS reference, occurred_at, received_at
            FROM payment_events WHERE reservation_id = $1 AND (type = ANY($2) OR type = ANY($3))) AS reported
        ORDER BY payment_id, is_refund, is_named, reference, amount, received_at
        """;

    // Earlier versions took any JSON number for an amount.
    private const string Required =
        $$"""
        SELECT payload ->> 'paymentId', payload ->> 'reason',
            CASE WHEN payload ->> 'amount' ~ '^[0-9]{1,16}$' THEN (payload ->> 'amount')::bigint END,
            payload ->> 'currency', created_at
        FROM outbox WHERE key = ANY (ARRAY(
            SELECT '{{Refund.Kind}}:' || $1 || ':' || payment_id FROM (
                SELECT payment_id FROM payment_events WHERE reservation_id = $1
                UNION SELECT payment_id FROM orders WHERE reservation_id = $1 AND payment_id IS NOT NULL) AS known))
        ORDER BY id
        """;

    public static async Task<Reversals> ReadAsync(
        NpgsqlDataSource source, Guid reservationId, CancellationToken cancellation)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        return await connection.ReadAsync(
            [
                Sql.Command(
                    Reported, reservationId, ReversalTypes.Refunds.ToArray(), ReversalTypes.Disputes.ToArray()),
                Sql.Command(Required, reservationId),
            ],
            async reader =>
            {
                var reported = await reader.ReadAllAsync(ToReversal, cancellation);
                await reader.NextResultAsync(cancellation);
                return new Reversals(
                    [.. reported.OrderBy(one => one.At)], await reader.ReadAllAsync(ToRequired, cancellation));
            },
            cancellation);
    }

    private static Reversal ToReversal(NpgsqlDataReader row) => new(
        row.GetBoolean(0) ? ReversalKind.Refund : ReversalKind.Dispute,
        row.GetString(1),
        row.GetInt64(2),
        row.GetString(3),
        row.GetString(4),
        row.GetFieldValue<DateTimeOffset>(5));

    private static RequiredRefund ToRequired(NpgsqlDataReader row)
    {
        var hasAmount = !row.IsDBNull(2) && !row.IsDBNull(3);
        return new(
            row.GetString(0),
            row.GetString(1),
            hasAmount ? row.GetInt64(2) : null,
            hasAmount ? row.GetString(3) : null,
            row.GetFieldValue<DateTimeOffset>(4));
    }
}
