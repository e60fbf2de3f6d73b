using Npgsql;

namespace Inventory.Ledger;

/// <summary>A reservation that has ended, in one partition or in several.</summary>
/// <param name="Holder">The holder in the form that Redis stores.</param>
/// <param name="Status">The type of the event that ended it, or that was lost.</param>
/// <param name="Deadline">By Redis' clock.</param>
/// <param name="Lines">The lines in all partitions.</param>
public sealed record EndedHold(
    string Holder, string Status, DateTimeOffset Deadline, IReadOnlyList<OrderLine> Lines);

/// <content>Finds reservations that have already ended.</content>
public sealed partial class WaitingQueueTurn
{
    // A reservation that became an order has ended, even if Redis lost the event that says so.
    private const string Ended =
        """
        SELECT asked.id, part.holder, CASE WHEN part.has_ended THEN part.status ELSE 'confirmed' END,
            part.deadline, part.lines
        FROM (SELECT DISTINCT unnest($1) AS id) asked
        CROSS JOIN LATERAL (
            SELECT min(holder) AS holder, min(status) AS status, max(deadline) AS deadline,
                bool_and(status <> 'pending') AS has_ended, jsonb_agg(line)::text AS lines
            FROM reservations row, jsonb_array_elements(row.lines) line
            WHERE row.reservation_id = asked.id) part
        LEFT JOIN LATERAL (
            SELECT true AS is_sold FROM orders WHERE orders.reservation_id = asked.id LIMIT 1) bought ON true
        WHERE part.has_ended OR (bought.is_sold AND part.holder IS NOT NULL)
        """;

    /// <summary>Returns those of some reservations that are known to have ended.</summary>
    /// <param name="reservations">The reservations, possibly with duplicates.</param>
    /// <param name="cancellation">Cancels the read.</param>
    public async Task<Dictionary<Guid, EndedHold>> FindEndedAsync(
        Guid[] reservations, CancellationToken cancellation)
    {
        await using var find = new NpgsqlCommand(Ended, connection);
        find.Parameters.Add(new() { Value = reservations });
        await using var reader = await find.ExecuteReaderAsync(cancellation);
        var ended = new Dictionary<Guid, EndedHold>();
        while (await reader.ReadAsync(cancellation))
        {
            ended.Add(reader.GetGuid(0), new(
                reader.GetString(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3),
                HoldRows.ReadLines(reader.GetString(4))));
        }

        return ended;
    }
}
