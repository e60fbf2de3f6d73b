using Npgsql;

namespace Inventory.Ledger;

/// <summary>Turns pinned reservations into orders, many of them in one transaction.</summary>
/// <remarks>
/// What is always true:
/// <list type="bullet">
/// <item>A reservation becomes at most one order, and every caller who confirms it is answered with that one.</item>
/// <item>Order, items, total and movements are one transaction: all of them are there or none.</item>
/// <item>An attempt has one decision, by whoever writes it first. One that was abandoned never becomes an order,
/// however late its transaction wakes up, so its hold may be unpinned. A refused one is abandoned in the same
/// transaction.</item>
/// <item>Rows are locked in one order everywhere: decisions by key, then inventory by SKU.</item>
/// <item>The version of a total rises once for all orders that share a transaction.</item>
/// <item>A caller who stops waiting stops nobody else: the batch goes on, and the order may be written.</item>
/// </list>
/// While one batch is in flight the next one gathers, so a quiet shop waits for nobody and a crowd shares the row lock
/// of a hot SKU and the flush of the log.
/// Absent: a bound of those who wait. Each is a request that its host has accepted, and the host bounds these.
/// </remarks>
public sealed partial class Confirmations(NpgsqlDataSource source)
{
    /// <summary>
    /// Most orders of one transaction. Bounds for how long it keeps the rows of its SKUs locked, and what is repeated
    /// one by one when it fails. At 256 the three round trips and the flush cost each order some microseconds.
    /// </summary>
    public const int MaxBatch = 256;

    /// <summary>
    /// Deadlocks in a row before a caller hears of one. The order of locks leaves only writers who don't keep to it.
    /// </summary>
    private const int Attempts = 10;

    private readonly Lock gate = new();
    private readonly Queue<ConfirmMember> waiting = [];
    private bool busy;

    /// <summary>Confirms one reservation. May be repeated, also at the same time.</summary>
    /// <param name="request">What to confirm.</param>
    /// <param name="cancellation">Ends the waiting, not the confirming: what becomes of it is open then.</param>
    /// <exception cref="ArgumentException">The request has no pin, no line, or a quantity below 1.</exception>
    /// <exception cref="NpgsqlException">
    /// PostgreSQL is away or gave up: the order may have been written, which a repetition finds out.
    /// </exception>
    public Task<ConfirmAnswer> ConfirmAsync(ConfirmRequest request, CancellationToken cancellation)
    {
        var member = new ConfirmMember(request);
        lock (gate)
        {
            waiting.Enqueue(member);
            if (!busy)
            {
                busy = true;
                // The batches are nobody's in particular: each says by itself whose traces it belongs in.
                using (ExecutionContext.SuppressFlow())
                {
                    _ = Task.Run(ConfirmWaitingAsync, CancellationToken.None);
                }
            }
        }

        return member.Answer.WaitAsync(cancellation);
    }

    private async Task ConfirmWaitingAsync()
    {
        while (NextBatch() is { Count: > 0 } batch)
        {
            await ConfirmBatchAsync(batch).ConfigureAwait(false);
        }
    }

    /// <summary>Whoever waits, the first come first. A reservation is in a batch once.</summary>
    private List<ConfirmMember> NextBatch()
    {
        var batch = new Dictionary<Guid, ConfirmMember>();
        var later = new List<ConfirmMember>();
        lock (gate)
        {
            while (batch.Count < MaxBatch && waiting.TryDequeue(out var member))
            {
                if (batch.TryAdd(member.Request.ReservationId, member)) continue;
                if (!batch[member.Request.ReservationId].TryShare(member)) later.Add(member);
            }

            later.ForEach(waiting.Enqueue);
            busy = batch.Count > 0;
        }

        return [.. batch.Values];
    }

    private async Task ConfirmBatchAsync(List<ConfirmMember> members)
    {
        var isKnown = false;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var answers = await ConfirmTransaction.RunAsync(source, members, isKnown).ConfigureAwait(false);
                for (var i = 0; i < members.Count; i++) members[i].Complete(answers[i]);
                return;
            }
            catch (Exception e) when (IsContention(e) && attempt < Attempts)
            {
                // Its locks are free now, and whoever it was in the way of goes on.
            }
            catch (Exception e) when (ConfirmTransaction.IsRepetition(e) && !isKnown)
            {
                isKnown = true;
            }
            catch (Exception e) when (IsBroken(e) && attempt == 1)
            {
                // A pooled connection may have died long ago, or an operator has ended its session. Should the
                // transaction have been committed, its orders are found.
            }
            catch (Exception e) when (members.Count == 1 || IsAway(e))
            {
                // Whatever it was, the callers have to hear it.
                members.ForEach(member => member.Fail(e));
                return;
            }
            catch (Exception)
            {
                // One of them is the cause. Alone, each has only its own failure.
                foreach (var member in members) await ConfirmBatchAsync([member]).ConfigureAwait(false);
                return;
            }
        }
    }

    private static bool IsContention(Exception failure) => failure is PostgresException
    {
        SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure,
    };

    /// <summary>Another connection may work at once. Not after a wait that was long already.</summary>
    private static bool IsBroken(Exception failure) =>
        IsAway(failure) && failure.InnerException is not TimeoutException;

    /// <summary>It would fail for every member.</summary>
    private static bool IsAway(Exception failure) => LedgerOutage.Explains(failure) && !IsContention(failure);
}
