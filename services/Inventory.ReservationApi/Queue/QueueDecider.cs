using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Carts;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Reservations;
using Inventory.Stock;
using Inventory.Storage;

namespace Inventory.ReservationApi.Queue;

/// <summary>Decides a waiting request as a direct call would have been decided.</summary>
/// <remarks>
/// A decision may be repeated: it has the id and the idempotency key of the first attempt, so it finds a hold that an
/// earlier call made, also when the row doesn't show it.
/// </remarks>
internal sealed partial class QueueDecider(
    HoldStore holds, StockCircuit circuit, TimeProvider time, ILogger<QueueDecider> log)
{
    /// <summary>
    /// How long the queue waits for the repair of a SKU. A repair takes a fraction of a second, and one that broke off
    /// is repeated within seconds; one SKU must not stop the whole queue for longer.
    /// </summary>
    private static readonly TimeSpan RepairPatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AnotherRepair = TimeSpan.FromMinutes(5);

    // When a ticket first met its SKU closed, by SKU; forgotten when a ticket of the SKU is decided.
    private readonly ConcurrentDictionary<string, long> closed = new(StringComparer.Ordinal);

    /// <summary>Decides one place.</summary>
    /// <param name="entry">The place.</param>
    /// <param name="ended">What PostgreSQL knows of the end of its reservation, if anything.</param>
    /// <returns>Null while nothing is decided, because the data is being checked or the SKU is repaired.</returns>
    /// <exception cref="Exception">
    /// As <see cref="Failures.IsStockUnavailable"/>: Redis failed, or may have acted.
    /// </exception>
    internal async Task<QueueDecision?> DecideAsync(QueueEntry entry, EndedHold? ended)
    {
        try
        {
            var intent = Intent.Of(entry.Intent);
            var decision = intent.Form == IntentForm.Cart
                ? await AdjustAsync(entry.Place, intent)
                : await ReserveAsync(entry.Place, intent, ended);
            if (!closed.IsEmpty)
            {
                foreach (var line in intent.Ask.Lines) closed.TryRemove(line.Sku, out _);
                closed.TryRemove("-", out _);
            }

            return decision;
        }
        catch (CorruptDataException e) when (MayWaitFor(e))
        {
            return null;
        }
        catch (Exception e) when (!Failures.IsStockUnavailable(e))
        {
            // Stored data is corrupt, or this is a bug. The next tickets must not wait for the repair.
            Failed(entry.Ticket, e);
            return Refused(
                entry.Place, Intent.PathOf(entry.Intent.Form),
                Failures.Explain(e) ?? Refusal.Of(Problem.InternalError, "The request could not be decided."));
        }
    }

    /// <summary>Releases what may have been held for a ticket that was cancelled or has expired.</summary>
    /// <remarks>
    /// By design: holds of carts and of ids that a client chose stay. Such a hold may be older than the ticket, and its
    /// owner can release it. By design: a corrupt hold is not tried again, because the next tickets wait behind it. It
    /// expires at its deadline, once the audit or an operator has repaired it.
    /// </remarks>
    /// <returns>False while nothing is decided, because the data is being checked or the SKU is repaired.</returns>
    /// <exception cref="Exception">
    /// As <see cref="Failures.IsStockUnavailable"/>: Redis failed, or may have acted.
    /// </exception>
    internal async Task<bool> ReleaseOwedAsync(QueueEntry entry)
    {
        var row = entry.Intent;
        if (row.Form == (short)IntentForm.Cart || row.IsClientsId) return true;
        foreach (var id in new[] { row.ReservationId, SecondId(row.ReservationId) })
        {
            try
            {
                var answer = await circuit.CallAsync(() => holds.ReleaseAsync(id, null));
                if (answer.Outcome == ReleaseOutcome.Fenced) return false;
            }
            catch (CorruptDataException e) when (MayWaitFor(e))
            {
                return false;
            }
            catch (Exception e) when (!Failures.IsStockUnavailable(e))
            {
                ReleaseFailed(entry.Ticket, id, e);
            }
        }

        return true;
    }

    private bool MayWaitFor(CorruptDataException failure)
    {
        if (!failure.IsBeingRepaired) return false;
        var waited = time.GetElapsedTime(closed.GetOrAdd(failure.Sku, _ => time.GetTimestamp()));
        // No ticket of the SKU was decided since it was closed before: this is another repair.
        if (waited > AnotherRepair) closed[failure.Sku] = time.GetTimestamp();
        return waited < RepairPatience || waited > AnotherRepair;
    }

    private async Task<QueueDecision?> ReserveAsync(long place, Intent intent, EndedHold? ended)
    {
        var answer = ended is null ? null : await RecallAsync(intent.Ask, ended);
        answer ??= await circuit.CallAsync(() => holds.ReserveAsync(intent.Ask));
        if (answer.Outcome == ReserveOutcome.Ended && !intent.IsClientsId)
        {
            // An earlier call without an answer made the hold, and it expired before a caller learned of it.
            var again = intent.Ask with { Id = SecondId(intent.Ask.Id) };
            answer = await circuit.CallAsync(() => holds.ReserveAsync(again));
        }

        if (answer.Outcome == ReserveOutcome.Fenced) return null;
        if (answer.Reservation?.Id == intent.Ask.Id && !intent.IsClientsId) answer = await RenewAsync(intent, answer);
        var (status, reservation, refusal) = Reserve.Understand(answer, intent.Form == IntentForm.OneLine);
        return refusal is null
            ? new(place, QueueState.Granted, status,
                JsonSerializer.Serialize(reservation!, ApiJson.Default.ReserveResponse))
            : Refused(place, intent.Path, refusal);
    }

    /// <summary>
    /// The answer that Redis would give if it had not lost the reservation's end with its data. Without it Redis would
    /// hold the id again: a rebuild restores holds, but not ended reservations, because there are too many.
    /// </summary>
    /// <returns>Null while Redis knows the reservation.</returns>
    private async Task<ReserveAnswer?> RecallAsync(ReserveRequest ask, EndedHold ended)
    {
        var found = await circuit.CallAsync(() => holds.FindAsync(ask.Id));
        if (found.Outcome == FindOutcome.Fenced) return new() { Outcome = ReserveOutcome.Fenced };
        if (found.Outcome != FindOutcome.NotFound) return null;
        var lines = ended.Lines;
        if (ended.Holder != ask.Holder.Text || !lines.ToHashSet().SetEquals(ask.Lines))
        {
            return new() { Outcome = ReserveOutcome.IdReused };
        }

        var status = Enum.Parse<ReservationStatus>(ended.Status, ignoreCase: true);
        return new()
        {
            Outcome = ReserveOutcome.Ended,
            Reservation = new(ask.Id, status, ask.Holder, lines, ended.Deadline),
        };
    }

    /// <summary>
    /// Extends a hold that an earlier call without an answer made to its full time, counted from the grant: until then
    /// no caller knew of it. A hold under an id that a client chose may have been known, and stays as it is.
    /// </summary>
    private async Task<ReserveAnswer> RenewAsync(Intent intent, ReserveAnswer answer)
    {
        var isNew = answer is { Outcome: ReserveOutcome.Held, Replayed: false };
        if (isNew || answer.Outcome is not (ReserveOutcome.Held or ReserveOutcome.AlreadyHeld)) return answer;
        var found = await circuit.CallAsync(() => holds.FindAsync(intent.Ask.Id));
        if (found.Reservation is not { Status: ReservationStatus.Pending } hold) return answer;
        var missing = intent.Ask.HoldFor - (hold.ExpiresAt - found.DecidedAt);
        if (missing < TimeSpan.FromSeconds(1)) return answer;
        var renewed = await circuit.CallAsync(() => holds.ExtendAsync(hold.Id, missing, null));
        return renewed.Outcome == ExtendOutcome.Extended
            ? answer with { Reservation = renewed.Reservation, DecidedAt = renewed.DecidedAt }
            : answer;
    }

    private async Task<QueueDecision?> AdjustAsync(long place, Intent intent)
    {
        var line = intent.Ask.Lines[0];
        var answer = await circuit.CallAsync(() => holds.AdjustAsync(intent.Ask));
        if (answer.Outcome == AdjustOutcome.Fenced) return null;
        var (status, hold, refusal) = ReserveForCart.Understand(answer, line);
        return refusal is null
            ? new(place, QueueState.Granted, status, JsonSerializer.Serialize(hold!, ApiJson.Default.CartHold))
            : Refused(place, intent.Path, refusal);
    }

    private static QueueDecision Refused(long place, string path, Refusal refusal) => new(
        place, QueueState.Refused, refusal.Status,
        JsonSerializer.Serialize(refusal.At(path), ApiJson.Default.Refusal));

    /// <summary>
    /// An id derived from another one, the same each time. An ended reservation's id can't be used again.
    /// </summary>
    private static Guid SecondId(Guid id) =>
        new(SHA256.HashData(Encoding.ASCII.GetBytes($"again {id:N}")).AsSpan(0, 16), bigEndian: true);

    [LoggerMessage(1, LogLevel.Error, "The ticket {Ticket} can't be decided, and is refused.")]
    private partial void Failed(string ticket, Exception reason);

    [LoggerMessage(2, LogLevel.Error,
        "The cancelled ticket {Ticket} may have made reservation {Reservation}, which can't be released and expires "
        + "at its deadline.")]
    private partial void ReleaseFailed(string ticket, Guid reservation, Exception reason);
}
