using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Inventory.Ledger;
using Inventory.ReservationApi.Carts;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Reservations;
using Inventory.Stock;

namespace Inventory.ReservationApi.Queueing;

/// <summary>Asks the engine for what somebody has waited for, as their own call would have.</summary>
/// <remarks>
/// May be repeated: the id and the idempotency are those of the first attempt, so a hold that was made is found, by
/// whichever call, and whether or not its row says so.
/// </remarks>
internal sealed partial class QueueDecider(StockEngine engine, StockCircuit circuit, ILogger<QueueDecider> log)
{
    /// <summary>Decides one place.</summary>
    /// <param name="entry">The place.</param>
    /// <param name="ended">What PostgreSQL knows of the end of its reservation, if anything.</param>
    /// <returns>Null while nothing is decided, because the data is being checked.</returns>
    /// <exception cref="Exception">As <see cref="Failures.IsStockAway"/>: Redis is away, or has acted.</exception>
    internal async Task<QueueDecision?> DecideAsync(QueueEntry entry, EndedHold? ended)
    {
        try
        {
            var intent = Intent.Of(entry.Intent);
            return intent.Form == IntentForm.Cart
                ? await AdjustAsync(entry.Place, intent)
                : await ReserveAsync(entry.Place, intent, ended);
        }
        catch (Exception e) when (!Failures.IsStockAway(e))
        {
            // Of what is stored, something can't be read; or it is a bug. The others must not wait for it to be mended.
            Failed(entry.Ticket, e);
            return Refused(
                entry.Place, Intent.PathOf(entry.Intent.Form),
                Failures.Explain(e) ?? Refusal.Of(Problem.InternalError, "The request could not be decided."));
        }
    }

    /// <summary>Gives back what may have been held for a place that was given up.</summary>
    /// <remarks>
    /// Absent: carts, and ids that the client chose. There the hold may be older than the ticket, and its owner knows
    /// how to give it back. Absent too: another attempt at a hold that can't be read, which ends at its deadline, once
    /// the audit or somebody has mended it. Those who are owed something wait in line behind it.
    /// </remarks>
    /// <returns>False while nothing is decided, because the data is being checked.</returns>
    /// <exception cref="Exception">As <see cref="Failures.IsStockAway"/>: Redis is away, or has acted.</exception>
    internal async Task<bool> GiveBackAsync(QueueEntry entry)
    {
        var row = entry.Intent;
        if (row.Form == (short)IntentForm.Cart || row.IsClientsId) return true;
        foreach (var id in new[] { row.ReservationId, SecondId(row.ReservationId) })
        {
            try
            {
                var answer = await circuit.CallAsync(() => engine.ReleaseAsync(id, null));
                if (answer.Outcome == ReleaseOutcome.Fenced) return false;
            }
            catch (Exception e) when (!Failures.IsStockAway(e))
            {
                NotGivenBack(entry.Ticket, id, e);
            }
        }

        return true;
    }

    private async Task<QueueDecision?> ReserveAsync(long place, Intent intent, EndedHold? ended)
    {
        var answer = ended is null ? null : await RecallAsync(intent.Ask, ended);
        answer ??= await circuit.CallAsync(() => engine.ReserveAsync(intent.Ask));
        if (answer.Outcome == ReserveOutcome.Ended && !intent.IsClientsId)
        {
            // A call without an answer did hold it, and that hold has run out meanwhile, unknown to anybody.
            var again = intent.Ask with { Id = SecondId(intent.Ask.Id) };
            answer = await circuit.CallAsync(() => engine.ReserveAsync(again));
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
    /// Where Redis has lost its data since a reservation ended, and with it the end, what it would answer if it
    /// remembered: it would hold it anew. Such ends are not brought back with the holds, for there are too many.
    /// </summary>
    /// <returns>Null where it remembers.</returns>
    private async Task<ReserveAnswer?> RecallAsync(ReserveRequest ask, EndedHold ended)
    {
        var found = await circuit.CallAsync(() => engine.FindAsync(ask.Id));
        if (found.Outcome == FindOutcome.Fenced) return new() { Outcome = ReserveOutcome.Fenced };
        if (found.Outcome != FindOutcome.NotFound) return null;
        var lines = ended.Lines.Select(line => new Line(line.Sku, line.Quantity)).ToList();
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
    /// Gives a hold that a call without an answer has made the whole of its time, which runs from when it is granted:
    /// before, nobody knew of it. A hold under the client's own id may have been known, and stays as it is.
    /// </summary>
    private async Task<ReserveAnswer> RenewAsync(Intent intent, ReserveAnswer answer)
    {
        var isNew = answer is { Outcome: ReserveOutcome.Held, Replayed: false };
        if (isNew || answer.Outcome is not (ReserveOutcome.Held or ReserveOutcome.AlreadyHeld)) return answer;
        var found = await circuit.CallAsync(() => engine.FindAsync(intent.Ask.Id));
        if (found.Reservation is not { Status: ReservationStatus.Pending } hold) return answer;
        var missing = intent.Ask.HoldFor - (hold.ExpiresAt - found.DecidedAt);
        if (missing < TimeSpan.FromSeconds(1)) return answer;
        var renewed = await circuit.CallAsync(() => engine.ExtendAsync(hold.Id, missing, null));
        return renewed.Outcome == ExtendOutcome.Extended
            ? answer with { Reservation = renewed.Reservation, DecidedAt = renewed.DecidedAt }
            : answer;
    }

    private async Task<QueueDecision?> AdjustAsync(long place, Intent intent)
    {
        var line = intent.Ask.Lines[0];
        var answer = await circuit.CallAsync(
            () => engine.AdjustAsync(intent.Ask.Holder, line, intent.Ask.HoldFor, intent.Ask.Idempotency));
        if (answer.Outcome == AdjustOutcome.Fenced) return null;
        var (status, hold, refusal) = ReserveForCart.Understand(answer, line);
        return refusal is null
            ? new(place, QueueState.Granted, status, JsonSerializer.Serialize(hold!, ApiJson.Default.CartHold))
            : Refused(place, intent.Path, refusal);
    }

    private static QueueDecision Refused(long place, string path, Refusal refusal) => new(
        place, QueueState.Refused, refusal.Status,
        JsonSerializer.Serialize(refusal.At(path), ApiJson.Default.Refusal));

    /// <summary>An id made of another, the same each time, for an id is one reservation's for ever.</summary>
    private static Guid SecondId(Guid id) =>
        new(SHA256.HashData(Encoding.ASCII.GetBytes($"again {id:N}")).AsSpan(0, 16), bigEndian: true);

    [LoggerMessage(1, LogLevel.Error, "The ticket {Ticket} can't be decided, and is refused.")]
    private partial void Failed(string ticket, Exception reason);

    [LoggerMessage(2, LogLevel.Error,
        "What the cancelled ticket {Ticket} may have held as reservation {Reservation} can't be given back, and ends "
        + "at its deadline.")]
    private partial void NotGivenBack(string ticket, Guid reservation, Exception reason);
}
