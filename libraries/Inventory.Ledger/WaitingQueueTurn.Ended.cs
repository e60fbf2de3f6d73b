using Npgsql;

namespace Inventory.Ledger;

/// <summary>A reservation that has ended, in one partition or in several.</summary>
/// <param name="Holder">As the stock engine writes it.</param>
/// <param name="Status">How: the type of the event that ended it, or should have.</param>
/// <param name="Deadline">By Redis' clock.</param>
/// <param name="Lines">Of all partitions.</param>
public sealed record EndedHold(
    string Holder, string Status, DateTimeOffset Deadline, IReadOnlyList<OrderLine> Lines);

/// <content>What became of reservations that were asked for long ago.</content>
public sealed partial class WaitingQueueTurn
{
    // What became an order has ended, also where Redis lost the event that says so.
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

    /// <summary>Those of some reservations that are known to have ended.</summary>
    /// <param name="reservations">Which, some perhaps twice.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public async Task<Dictionary<Guid, EndedHold>> FindEndedAsync(
        Guid[] reservations, CancellationToken cancellation)
    {
        await using var find = new NpgsqlCommand(Ended, connection);
        find.Parameters.Add(new() { Value = reservations });
        await using var reader = await find.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        var ended = new Dictionary<Guid, EndedHold>();
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
        {
            ended.Add(reader.GetGuid(0), new(
                reader.GetString(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3),
                HoldRows.ReadLines(reader.GetString(4))));
        }

        return ended;
    }
}
