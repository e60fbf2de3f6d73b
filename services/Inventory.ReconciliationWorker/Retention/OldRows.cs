using Inventory.Contracts;
using Inventory.Ledger;

namespace Inventory.ReconciliationWorker.Retention;

/// <summary>The rows of one table that may go after some time, as SQL about the table <c>entry</c>.</summary>
/// <remarks>
/// Invariant: a row may go only if nothing can need it any more. <see cref="Unless"/> is checked once more in the
/// transaction that deletes it, under a lock of the row.
/// The columns <see cref="Age"/> have an index of their own, for the rows of <see cref="Ended"/>.
/// </remarks>
internal sealed record OldRows
{
    /// <summary>
    /// The first moment whose rows stay; <c>$1</c> is the time that rows are kept. Only whole days go, so that a day
    /// has one file.
    /// </summary>
    private const string Kept = "date_trunc('day', now() - $1::interval, 'UTC')";

    /// <summary>
    /// All parts of a reservation go together: a late payment would buy the lines of those that are left. A dead letter
    /// may still be replayed, and without the row it would begin a reservation that has ended. OFFSET 0 keeps the
    /// planner from turning a look-up of each row into a join with the whole table.
    /// </summary>
    private const string ReservationIsNeeded =
        $"""
        EXISTS (SELECT FROM reservations part WHERE part.reservation_id = entry.reservation_id
            AND (part.status = '{ReservationStatusNames.Pending}' OR part.updated_at >= {Kept}) OFFSET 0)
        OR EXISTS (SELECT FROM payment_events payment WHERE payment.reservation_id = entry.reservation_id
            AND payment.processed_at IS NULL OFFSET 0)
        OR EXISTS (SELECT FROM dead_letters letter WHERE letter.resolved_at IS NULL
            AND letter.payload ->> 'reservation' =
                translate(rtrim(encode(uuid_send(entry.reservation_id), 'base64'), '='), '+/', '-_') OFFSET 0)
        """;

    /// <summary>The table.</summary>
    public required string Table { get; init; }

    /// <summary>The column that tells rows apart, or the parts of one reservation from others.</summary>
    public required string Key { get; init; }

    /// <summary>Its type, with the lowest value of it.</summary>
    public required (string Name, string Lowest) KeyType { get; init; }

    /// <summary>The column with the time since which the row has ended.</summary>
    public required string Age { get; init; }

    /// <summary>Whether the row has ended. It begins with the condition of the index.</summary>
    public required string Ended { get; init; }

    /// <summary>When an ended row is still needed.</summary>
    public string Unless { get; init; } = "false";

    /// <summary>How long an ended row is kept.</summary>
    public required TimeSpan KeptFor { get; init; }

    /// <summary>A table whose rows with the same key go too.</summary>
    public string? Details { get; init; }

    private string Keys(string parameter) => $"{Key} = ANY({parameter}::text[]::{KeyType.Name}[])";

    private string MayGo => $"{Ended} AND {Age} < {Kept} AND NOT ({Unless})";

    /// <summary>
    /// The oldest rows that may go. $2 and $3: the last row that was read; $4: how many. The order is that of the
    /// column, not of the text that has its name in the result.
    /// </summary>
    public string Find =>
        $"""
        SELECT {Key}::text, {Age} FROM {Table} entry
        WHERE {MayGo} AND ({Age}, {Key}) > ($2, $3::{KeyType.Name}) ORDER BY {Age}, entry.{Key} LIMIT $4
        """;

    /// <summary>Rows as JSON. $1: their keys.</summary>
    public string Read => $"SELECT to_json(entry)::text FROM {Table} entry WHERE {Keys("$1")} ORDER BY {Age}, {Key}";

    /// <summary>Their details as JSON. $1: the keys of the rows.</summary>
    public string ReadDetails => $"SELECT to_json(entry)::text FROM {Details} entry WHERE {Keys("$1")} ORDER BY {Key}";

    /// <summary>Locks rows. $1: their keys.</summary>
    public string Lock => $"SELECT FROM {Table} entry WHERE {Keys("$1")} ORDER BY {Key} FOR UPDATE";

    /// <summary>Deletes rows that may still go, and returns their keys. $2: the keys of the locked rows.</summary>
    public string Delete => $"DELETE FROM {Table} entry WHERE {Keys("$2")} AND {MayGo} RETURNING {Key}::text";

    /// <summary>Deletes the details of deleted rows, unless a part has come since. $1: the keys of the rows.</summary>
    public string DeleteDetails =>
        $"""
        DELETE FROM {Details} entry
        WHERE {Keys("$1")} AND NOT EXISTS (SELECT FROM {Table} other WHERE other.{Key} = entry.{Key})
        """;

    /// <summary>The oldest row that has ended.</summary>
    public string Oldest => $"SELECT min({Age}) FROM {Table} entry WHERE {Ended}";

    /// <summary>What goes, table by table.</summary>
    public static IReadOnlyList<OldRows> All(RetentionOptions options) =>
    [
        new()
        {
            Table = "reservations", Details = "reservation_events", Key = "reservation_id",
            KeyType = ("uuid", Guid.Empty.ToString()), Age = "updated_at",
            Ended = $"status <> '{ReservationStatusNames.Pending}'", Unless = ReservationIsNeeded,
            KeptFor = options.Reservations,
        },
        // A payment of a reservation with an order belongs to the order, which shows what has to be refunded: when it
        // is cancelled, the refund repeats the amount. What the provider has reported as refunded or disputed stays.
        new()
        {
            Table = "payment_events", Key = "event_id", KeyType = ("text", ""), Age = "processed_at",
            Ended = $"outcome IN ('{PaymentEvent.Noted}', '{PaymentEvent.RefundRequired}') "
                + $"AND type IN ('{PaymentEvent.Approved}', '{PaymentEvent.Failed}')",
            Unless = "EXISTS (SELECT FROM orders WHERE orders.reservation_id = entry.reservation_id OFFSET 0)",
            KeptFor = options.Payments,
        },
        // A refund stays: its key is what keeps a payment from being refunded twice.
        new()
        {
            Table = "outbox", Key = "id", KeyType = ("bigint", "0"), Age = "sent_at",
            Ended = "kind = 'payment_event_conflict' AND sent_at IS NOT NULL", KeptFor = options.Payments,
        },
        new()
        {
            Table = "dead_letters", Key = "id", KeyType = ("bigint", "0"), Age = "resolved_at",
            Ended = "resolved_at IS NOT NULL", KeptFor = options.DeadLetters,
        },
    ];
}
