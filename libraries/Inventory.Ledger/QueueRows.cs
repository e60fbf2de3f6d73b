using Npgsql;
using NpgsqlTypes;

namespace Inventory.Ledger;

/// <summary>Reads and writes places in the table <c>waiting_queue</c>, called q in the SQL.</summary>
internal static class QueueRows
{
    /// <summary>The columns that <see cref="Read"/> reads.</summary>
    internal const string Columns =
        $"""
        q.place, q.ticket, q.state, q.status, q.answer, q.queued_at, clock_timestamp() - q.queued_at,
        least(
            greatest(q.place - (SELECT place FROM waiting_queue WHERE state = 0 ORDER BY place LIMIT 1), 0),
            (SELECT greatest(waiting - 1, 0) FROM waiting_queue_load)),
        q.form, q.reservation_id, q.is_clients_id, q.holder, q.lines, q.hold_ms, q.on_existing,
        q.idempotency_key, q.fingerprint, q.unsure, CASE WHEN q.is_shopper THEN {Orders.OwnerSql} END
        """;

    private const string InsertText =
        """
        INSERT INTO waiting_queue (ticket, form, reservation_id, is_clients_id, holder, lines, hold_ms, on_existing,
            idempotency_key, fingerprint, unsure, is_shopper)
        SELECT ticket, form, reservation_id, is_clients_id, holder, lines, hold_ms, on_existing,
            idempotency_key, fingerprint, unsure, is_shopper
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) WITH ORDINALITY AS new (ticket, form,
            reservation_id, is_clients_id, holder, lines, hold_ms, on_existing, idempotency_key, fingerprint, unsure,
            is_shopper, came)
        ORDER BY came
        RETURNING place, ticket, queued_at
        """;

    internal static NpgsqlBatchCommand Insert(List<QueueMember> added)
    {
        NpgsqlParameter Column<T>(NpgsqlDbType type, Func<QueuedIntent, T> value) =>
            new() { Value = added.ConvertAll(one => value(one.Intent)), NpgsqlDbType = NpgsqlDbType.Array | type };
        return new(InsertText)
        {
            Parameters =
            {
                new() { Value = added.ConvertAll(one => one.Ticket) },
                Column(NpgsqlDbType.Smallint, intent => intent.Form),
                Column(NpgsqlDbType.Uuid, intent => intent.ReservationId),
                Column(NpgsqlDbType.Boolean, intent => intent.IsClientsId),
                Column(NpgsqlDbType.Text, intent => intent.Holder),
                Column(NpgsqlDbType.Text, intent => intent.Lines),
                Column(NpgsqlDbType.Bigint, intent => (long)intent.HoldFor.TotalMilliseconds),
                Column(NpgsqlDbType.Smallint, intent => intent.OnExisting),
                Column(NpgsqlDbType.Text, intent => intent.IdempotencyKey),
                Column(NpgsqlDbType.Text, intent => intent.Fingerprint),
                Column(NpgsqlDbType.Boolean, intent => intent.Unsure),
                Column(NpgsqlDbType.Boolean, intent => intent.Shopper is not null),
            },
        };
    }

    internal static QueueEntry Read(NpgsqlDataReader row) => new(
        row.GetInt64(0),
        row.GetString(1),
        new()
        {
            Form = row.GetInt16(8),
            ReservationId = row.GetGuid(9),
            IsClientsId = row.GetBoolean(10),
            Holder = row.GetString(11),
            Lines = row.GetString(12),
            HoldFor = TimeSpan.FromMilliseconds(row.GetInt64(13)),
            OnExisting = row.GetInt16(14),
            IdempotencyKey = row.IsDBNull(15) ? null : row.GetString(15),
            Fingerprint = row.IsDBNull(16) ? null : row.GetString(16),
            Unsure = row.GetBoolean(17),
            Shopper = row.IsDBNull(18) ? null : row.GetString(18),
        },
        (QueueState)row.GetInt16(2),
        row.IsDBNull(3) ? null : row.GetInt32(3),
        row.IsDBNull(4) ? null : row.GetString(4),
        row.GetFieldValue<DateTimeOffset>(5),
        row.GetTimeSpan(6),
        row.IsDBNull(7) ? 0 : row.GetInt64(7));
}
