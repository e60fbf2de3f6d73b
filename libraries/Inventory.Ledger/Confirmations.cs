using Inventory.Contracts;
using Inventory.Storage;
using Npgsql;

namespace Inventory.Ledger;

/// <summary>Turns pinned reservations into orders, many of them in one transaction.</summary>
/// <remarks>
/// Invariants:
/// <list type="bullet">
/// <item>A reservation becomes at most one order, and every caller that confirms it gets that order.</item>
/// <item>Order, items, total and movements are written in one transaction.</item>
/// <item>An attempt has one decision, made by the transaction that writes it first. An abandoned attempt never becomes
/// an order, even if its transaction continues much later, so its hold may be unpinned. A refused attempt is abandoned
/// in the same transaction.</item>
/// <item>Rows are locked in one order everywhere: decisions by key, then inventory by SKU.</item>
/// <item>The version of a total rises by one for all orders that share a transaction.</item>
/// <item>A caller that stops waiting does not stop the batch, and its order may still be written.</item>
/// </list>
/// Under high load, requests of the same moment share the row lock of a hot SKU and the flush of the log.
/// </remarks>
public sealed class Confirmations
{
    /// <summary>
    /// Maximum number of orders in one transaction. Limits how long it locks the rows of its SKUs, and how much is
    /// repeated one by one when it fails. At 256 the three round trips and the flush cost each order some microseconds.
    /// </summary>
    public const int MaxBatch = 256;

    /// <summary>
    /// Deadlocks in a row before the caller gets the failure. Given the order of locks, only writers that break it can
    /// cause one.
    /// </summary>
    private const int Attempts = 10;

    private readonly NpgsqlDataSource source;
    private readonly Coalescer<ConfirmMember> batches;

    /// <summary>Writes orders to a database.</summary>
    /// <param name="source">Its connections.</param>
    public Confirmations(NpgsqlDataSource source)
    {
        this.source = source;
        batches = new(Take, FlushAsync);
    }

    /// <summary>Confirms one reservation. May be repeated, also concurrently.</summary>
    /// <param name="request">What to confirm.</param>
    /// <param name="cancellation">Stops waiting. The confirm goes on, so its outcome is unknown to the caller.</param>
    /// <exception cref="ArgumentException">The request has no pin, no line, or a quantity below 1.</exception>
    /// <exception cref="StoreException">
    /// PostgreSQL is unavailable or the transaction failed. The order may have been written; a repetition returns it.
    /// </exception>
    public Task<ConfirmAnswer> ConfirmAsync(ConfirmRequest request, CancellationToken cancellation)
    {
        var member = new ConfirmMember(request);
        batches.Add(member);
        return member.Answer.WaitAsync(cancellation);
    }

    private async Task FlushAsync(List<ConfirmMember> members)
    {
        // A batch belongs to no single caller, so its span is in no caller's trace: it links the traces of all
        // requests.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await ConfirmBatchAsync(members);
    }

    /// <summary>The next waiting requests in order of arrival, each reservation at most once.</summary>
    private static List<ConfirmMember> Take(Queue<ConfirmMember> waiting)
    {
        var batch = new Dictionary<Guid, ConfirmMember>();
        var later = new List<ConfirmMember>();
        while (batch.Count < MaxBatch && waiting.TryDequeue(out var member))
        {
            if (batch.TryAdd(member.Request.ReservationId, member)) continue;
            if (!batch[member.Request.ReservationId].TryShare(member)) later.Add(member);
        }

        later.ForEach(waiting.Enqueue);
        return [.. batch.Values];
    }

    private async Task ConfirmBatchAsync(List<ConfirmMember> members)
    {
        var isKnown = false;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var answers = await ConfirmTransaction.RunAsync(source, members, isKnown);
                for (var i = 0; i < members.Count; i++) members[i].Complete(answers[i]);
                return;
            }
            catch (Exception e) when (IsContention(e) && attempt < Attempts)
            {
                // The failed transaction has released its locks, so the other writer can go on. Try again.
            }
            catch (Exception e) when (ConfirmTransaction.IsRepetition(e) && !isKnown)
            {
                isKnown = true;
            }
            catch (Exception e) when (IsBroken(e) && attempt == 1)
            {
                // A pooled connection may be broken, or an operator has ended its session. If the transaction was
                // committed, the next attempt finds its orders.
            }
            catch (Exception e) when (members.Count == 1 || IsUnavailable(e))
            {
                // Every caller must be completed, or it hangs.
                members.ForEach(member => member.Fail(e));
                return;
            }
            catch (Exception)
            {
                // One request causes the failure. Run alone, each request fails only for its own reason.
                foreach (var member in members) await ConfirmBatchAsync([member]);
                return;
            }
        }
    }

    private static bool IsContention(Exception failure) => failure is StoreRejectedException
    {
        Code: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure,
    };

    /// <summary>Whether a new connection may work at once. Not after a timeout, which has already taken long.</summary>
    private static bool IsBroken(Exception failure) =>
        IsUnavailable(failure) && failure.GetBaseException() is not TimeoutException;

    /// <summary>Whether the failure would be the same for every member.</summary>
    private static bool IsUnavailable(Exception failure) =>
        failure is StoreException { IsOutage: true } && !IsContention(failure);

    private const string AbandonAttempt =
        $"""
        INSERT INTO pin_decisions (reservation_id, partition, pin, decision)
        VALUES ($1, $2, $3, '{PinDecision.Abandoned}')
        ON CONFLICT DO NOTHING
        """;

    private const string TotalsOfReservation =
        """
        SELECT sku_id, total, version
        FROM orders JOIN order_items ON order_id = id JOIN inventory USING (sku_id)
        WHERE reservation_id = $1 ORDER BY sku_id
        """;

    /// <summary>
    /// Abandons an attempt after its lease has ended, unless there is an order already. Waits for a transaction that is
    /// deciding it. May be repeated.
    /// </summary>
    /// <param name="reservationId">The reservation.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="pin">The attempt's number in that partition.</param>
    /// <param name="cancellation">Stops waiting; the attempt may or may not be abandoned.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable: the hold must stay pinned.</exception>
    public async Task<AbandonAnswer> AbandonAsync(
        Guid reservationId, int partition, int pin, CancellationToken cancellation)
    {
        // The decision is committed before the order is read. If another transaction decided first, it has committed
        // too by then.
        await source.ExecuteAsync(AbandonAttempt, cancellation, reservationId, partition, pin);
        var (order, totals) = await FindOrderAsync(reservationId, cancellation);
        return new(order, totals);
    }

    /// <summary>The order of a reservation and the current totals of its SKUs.</summary>
    /// <param name="reservationId">The reservation.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <returns>Null, and no totals, when there is no order.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<(Order? Order, IReadOnlyList<SkuTotal> Totals)> FindOrderAsync(
        Guid reservationId, CancellationToken cancellation)
    {
        await using var connection = await source.ConnectAsync(cancellation);
        return await FindOrderAsync(connection, reservationId, cancellation);
    }

    private static async Task<(Order? Order, IReadOnlyList<SkuTotal> Totals)> FindOrderAsync(
        NpgsqlConnection connection, Guid reservationId, CancellationToken cancellation)
    {
        var (orders, totals) = await connection.ReadAsync(
            [
                Sql.Command(OrderRows.ByReservations, new[] { reservationId }),
                Sql.Command(TotalsOfReservation, reservationId),
            ],
            async reader =>
            {
                var found = await reader.ReadAllAsync(OrderRows.Read, cancellation);
                await reader.NextResultAsync(cancellation);
                return (found, await ConfirmTransaction.ReadTotalsAsync(reader));
            },
            cancellation);
        // An order that is written between the two reads is found by the next call, with its totals.
        return orders.Count == 0 ? (null, []) : (orders[0], totals);
    }

    // Only a cancellation locks an order before totals. That can't deadlock: a confirm never waits for an order while
    // it holds locks of totals.
    private const string CancelOrder =
        """
        UPDATE orders SET status = 'CANCELLED', cancelled_at = now()
        WHERE reservation_id = $1 AND status = 'CONFIRMED'
        """;

    /// <summary>
    /// Cancels a confirmed order: adds its units back to their totals once, and requests the refund of its payment. May
    /// be repeated.
    /// </summary>
    /// <param name="reservationId">The reservation that became the order.</param>
    /// <param name="reason">
    /// The reason for the movements, 1 to <see cref="InventoryMovement.MaxReasonLength"/> characters.
    /// </param>
    /// <param name="cancellation">Stops waiting; the order may or may not be cancelled.</param>
    /// <exception cref="ArgumentException"><paramref name="reason"/> is empty or too long.</exception>
    /// <exception cref="StoreException">
    /// PostgreSQL is unavailable, or another writer made the transaction fail.
    /// </exception>
    public async Task<CancelAnswer> CancelOrderAsync(
        Guid reservationId, string reason, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            reason.Length, InventoryMovement.MaxReasonLength, nameof(reason));
        try
        {
            return await source.InTransactionAsync(
                connection => CancelAsync(connection, reservationId, reason, cancellation), cancellation);
        }
        catch (StoreRejectedException e) when (e.Code == PostgresErrorCodes.NumericValueOutOfRange)
        {
            // Read after the rollback, so a total may have changed by now.
            var (order, totals) = await FindOrderAsync(reservationId, cancellation);
            return new(CancelOutcome.OutOfRange, order, totals);
        }
    }

    private static async Task<CancelAnswer> CancelAsync(
        NpgsqlConnection connection, Guid reservationId, string reason, CancellationToken cancellation)
    {
        var cancelled = await connection.ExecuteAsync(CancelOrder, cancellation, reservationId) == 1;
        var (order, totals) = await FindOrderAsync(connection, reservationId, cancellation);
        if (order is null) return new(CancelOutcome.NotFound, null, []);
        if (!cancelled) return new(CancelOutcome.AlreadyCancelled, order, totals);

        totals = await ReturnUnitsAsync(connection, order, reason, cancellation);
        return new(CancelOutcome.Cancelled, order, totals);
    }

    private static async Task<IReadOnlyList<SkuTotal>> ReturnUnitsAsync(
        NpgsqlConnection connection, Order order, string reason, CancellationToken cancellation)
    {
        var skus = order.Items.ConvertAll(item => item.SkuId).ToArray();
        var quantities = order.Items.ConvertAll(item => item.Quantity).ToArray();
        var changed = await connection.ReadAsync(
            [
                Sql.Command(ConfirmTransaction.LockTotals, (object)skus),
                Sql.Command(ConfirmTransaction.ChangeTotals, skus, quantities),
            ],
            async reader =>
            {
                await reader.NextResultAsync(cancellation);
                return await ConfirmTransaction.ReadTotalsAsync(reader);
            },
            cancellation);
        List<SkuTotal> totals = [.. changed.OrderBy(total => total.Sku, StringComparer.Ordinal)];
        List<NpgsqlBatchCommand> changes =
        [
            Sql.Command(
                ConfirmTransaction.InsertMovements,
                Array.ConvertAll(skus, _ => order.Id),
                skus,
                quantities,
                Array.ConvertAll(skus, _ => reason),
                Array.ConvertAll(skus, _ => order.ReservationId.ToString()),
                totals.Select(total => total.Total).ToArray(),
                totals.Select(total => total.Version).ToArray()),
        ];
        if (order.PaymentId is { } payment)
        {
            var why = RefundReason.OrderCancelled.Word();
            changes.Add(Refund.Write(order.ReservationId, payment, why, order.Id));
        }

        await connection.ExecuteAsync(changes, cancellation);
        return totals;
    }

    /// <summary>
    /// How long a decision is kept. It must outlive its attempt, which takes seconds. A day also covers a process that
    /// was suspended during an attempt, on a laptop or a paused virtual machine.
    /// </summary>
    public static readonly TimeSpan DecisionRetention = TimeSpan.FromDays(1);

    private const string PruneDecisions =
        """
        DELETE FROM pin_decisions WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM pin_decisions WHERE at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
        """;

    /// <summary>Deletes decisions about attempts that ended long ago. Any number of instances may call it.</summary>
    /// <param name="retention">Minimum age of the deleted decisions.</param>
    /// <param name="most">Maximum number deleted by one call. Limits its transaction.</param>
    /// <param name="cancellation">Cancels the call; a cancelled call deletes nothing.</param>
    /// <returns>The number of deleted decisions; fewer than <paramref name="most"/> when none are left.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public Task<int> PruneDecisionsAsync(TimeSpan retention, int most, CancellationToken cancellation) =>
        source.ExecuteAsync(PruneDecisions, cancellation, retention, most);
}
