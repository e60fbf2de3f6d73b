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
public sealed partial class Confirmations
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
    /// <exception cref="NpgsqlException">
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
            catch (Exception e) when (members.Count == 1 || IsAway(e))
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

    private static bool IsContention(Exception failure) => failure is PostgresException
    {
        SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure,
    };

    /// <summary>Whether a new connection may work at once. Not after a timeout, which has already taken long.</summary>
    private static bool IsBroken(Exception failure) =>
        IsAway(failure) && failure.InnerException is not TimeoutException;

    /// <summary>Whether the failure would be the same for every member.</summary>
    private static bool IsAway(Exception failure) => LedgerOutage.Explains(failure) && !IsContention(failure);
}
