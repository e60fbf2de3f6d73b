using System.Collections.Concurrent;
using System.Diagnostics;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Storage;
using Microsoft.Extensions.Logging;

namespace Inventory.Settlement;

/// <summary>The progress of a payment's settlement.</summary>
public enum PaymentProgress
{
    /// <summary>The payment is settled.</summary>
    Settled,

    /// <summary>It can't be decided yet; it is retried at growing intervals.</summary>
    Waiting,

    /// <summary>Redis is unavailable or fenced. The payment is settled when Redis is back.</summary>
    StoreUnavailable,
}

/// <summary>The result of an attempt to settle a payment.</summary>
/// <param name="Progress">The progress.</param>
/// <param name="Verdict">For <see cref="PaymentProgress.Settled"/>.</param>
public sealed record PaymentAnswer(PaymentProgress Progress, PaymentVerdict? Verdict = null);

/// <summary>
/// Settles every approved payment: as the reservation's order, or as a refund. Any number of instances may run, and
/// several of them may settle the same payment at the same time.
/// </summary>
/// <remarks>
/// Invariant: a stored payment gets exactly one verdict once both stores answer, however often and in whatever order
/// its events come. The ledger's locks ensure that; this class keeps no state.
/// A payment that can't be settled does not delay the others.
/// </remarks>
public sealed partial class PaymentSettler(
    Confirmer confirmer, Payments payments, SettlementMetrics metrics, ILogger<PaymentSettler> log)
{
    /// <summary>The source of the spans of payments that are settled later.</summary>
    private static readonly ActivitySource Source = new("Inventory.Settlement");

    /// <summary>
    /// Maximum number of events claimed together. Limits how many of them wait for the end of the claim after a crash.
    /// </summary>
    private const int Batch = 128;

    /// <summary>Payments settled in parallel: enough for orders to share a transaction.</summary>
    private const int Concurrency = 32;

    /// <summary>
    /// How long a payment waits for an unknown reservation. Events reach the ledger within seconds; operators notice a
    /// longer outage of the materializer before this time is over.
    /// </summary>
    private static readonly TimeSpan UnknownPatience = TimeSpan.FromMinutes(15);

    /// <summary>Settles one stored payment now, if possible. May be repeated, also concurrently.</summary>
    /// <param name="payment">The event.</param>
    /// <param name="cancellation">Stops waiting; the payment may or may not be settled.</param>
    /// <exception cref="StoreException">PostgreSQL is unavailable: the payment is settled later.</exception>
    public async Task<PaymentAnswer> SettleAsync(StoredPayment payment, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payment);
        if (payment.Verdict is { } known) return new(PaymentProgress.Settled, known);
        try
        {
            return await DecideAsync(payment, cancellation);
        }
        catch (StoreException e) when (e is { Store: Store.Redis, IsOutage: true })
        {
            return new(PaymentProgress.StoreUnavailable);
        }
    }

    /// <summary>One pass: settles every due payment, the oldest first.</summary>
    /// <param name="cancellation">Ends the pass between two payments.</param>
    /// <returns>The number of payments for which no attempt could be finished because a store is unavailable.</returns>
    /// <exception cref="StoreException">PostgreSQL is unavailable.</exception>
    public async Task<int> SettleAsync(CancellationToken cancellation)
    {
        bool away;
        IReadOnlyList<StoredPayment> claimed;
        do
        {
            claimed = await payments.ClaimAsync(Batch, cancellation);
            away = await SettleAllAsync(claimed, cancellation);
        }
        while (!away && claimed.Count == Batch);

        metrics.Unsettled(await payments.CountUnsettledAsync(cancellation));
        // Unfinished claims of other instances count too: such an instance may have crashed.
        return (int)await payments.CountUntriedAsync(all: away, cancellation);
    }

    /// <returns>Whether a store is unavailable.</returns>
    private async Task<bool> SettleAllAsync(IReadOnlyList<StoredPayment> claimed, CancellationToken cancellation)
    {
        var untried = new ConcurrentBag<string>();
        var crowd = new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellation };
        await Parallel.ForEachAsync(claimed, crowd, async (payment, stop) =>
        {
            // After the first payment that meets an outage, the others don't wait for it too.
            if (!untried.IsEmpty || !await TryAsync(payment, stop)) untried.Add(payment.EventId);
        });
        if (untried.IsEmpty) return false;
        await payments.ReturnAsync(untried, cancellation);
        return true;
    }

    /// <returns>False when a store is unavailable.</returns>
    private async Task<bool> TryAsync(StoredPayment payment, CancellationToken cancellation)
    {
        using var span = Source.StartActivity("settle payment", ActivityKind.Internal, payment.Trace);
        try
        {
            var answer = await SettleAsync(payment, cancellation);
            if (answer.Progress == PaymentProgress.StoreUnavailable) return false;
            if (answer.Progress == PaymentProgress.Settled) return true;
        }
        catch (Exception e) when (e is not (OperationCanceledException
            or StoreException { Store: Store.PostgreSql, IsOutage: true }))
        {
            // This failure concerns one payment; the others are still settled.
            NotSettled(payment.EventId, payment.ReservationId, e);
        }

        await payments.PostponeAsync(payment.EventId, cancellation);
        return true;
    }

    private async Task<PaymentAnswer> DecideAsync(StoredPayment payment, CancellationToken cancellation)
    {
        var answer = await confirmer.ConfirmAsync(payment.ReservationId, payment.PaymentId);
        var reason = RefundReason.HoldExpired;
        if (answer.Outcome is OrderOutcome.Ended or OrderOutcome.NotFound)
        {
            (answer, reason) = await ReviveAsync(payment, answer, cancellation);
        }

        switch (answer.Outcome)
        {
            case OrderOutcome.Confirmed:
                // The order's transaction has already marked the event.
                var word = answer.Late ? PaymentEvent.Revived : PaymentEvent.Confirmed;
                var verdict = new PaymentVerdict(word, answer.Order!.Id);
                metrics.Settled(verdict);
                return new(PaymentProgress.Settled, verdict);
            case OrderOutcome.AlreadyConfirmed or OrderOutcome.IdUsedBefore or OrderOutcome.RefundRequired
                or OrderOutcome.Ended:
                return await ConcludeAsync(payment, reason, cancellation);
            case OrderOutcome.NotFound when payment.Age > UnknownPatience:
                return await ConcludeAsync(payment, RefundReason.ReservationUnknown, cancellation);
            case OrderOutcome.NotFound or OrderOutcome.Confirming or OrderOutcome.NotCovered:
                return new(PaymentProgress.Waiting);
            case OrderOutcome.Fenced:
                return new(PaymentProgress.StoreUnavailable);
            default:
                throw new UnreachableException($"The confirmer answered {answer.Outcome}.");
        }
    }

    private async Task<PaymentAnswer> ConcludeAsync(
        StoredPayment payment, RefundReason withoutOrder, CancellationToken cancellation)
    {
        var (verdict, isNew) = await payments.ConcludeAsync(payment, withoutOrder, cancellation);
        if (isNew) metrics.Settled(verdict);
        return new(PaymentProgress.Settled, verdict);
    }

    /// <summary>Revives the reservation of a late payment, if its units are still available.</summary>
    /// <returns>The result, and the refund reason if there is no order.</returns>
    private async Task<(OrderAnswer Answer, RefundReason Reason)> ReviveAsync(
        StoredPayment payment, OrderAnswer ended, CancellationToken cancellation)
    {
        var reservation = ended.Reservation;
        var hold = reservation is null
            ? LostHold.From(
                await payments.FindReservationAsync(payment.ReservationId, cancellation))
            : new HoldRecord(reservation, 0, reservation.ExpiresAt);
        if (hold is null) return (ended, RefundReason.ReservationUnknown);
        // The holder released it, so a late payment must not sell the units after all.
        if (hold.Reservation.Status is not ReservationStatus.Expired)
        {
            return (new(OrderOutcome.Ended), RefundReason.ReservationReleased);
        }

        var answer = await confirmer.ReviveAsync(hold, payment.PaymentId);
        return (answer, RefundReason.HoldExpired);
    }

    [LoggerMessage(1, LogLevel.Error, "Payment event {Event} of reservation {Reservation} can't be settled yet.")]
    private partial void NotSettled(string @event, Guid reservation, Exception failure);
}
