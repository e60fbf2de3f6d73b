using System.Collections.Concurrent;
using System.Diagnostics;
using Inventory.Ledger;
using Inventory.Stock;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Inventory.Settlement;

/// <summary>How far a payment has come.</summary>
public enum PaymentProgress
{
    /// <summary>It has its verdict.</summary>
    Settled,

    /// <summary>It can't be decided yet, and is tried again at ever longer intervals.</summary>
    Waiting,

    /// <summary>Redis is away or not trusted. The payment is settled as soon as it is back.</summary>
    StoreAway,
}

/// <summary>What became of an attempt to settle a payment.</summary>
/// <param name="Progress">How far it has come.</param>
/// <param name="Verdict">For <see cref="PaymentProgress.Settled"/>.</param>
public sealed record PaymentAnswer(PaymentProgress Progress, PaymentVerdict? Verdict = null);

/// <summary>
/// Gives every approved payment its verdict: the reservation's order, or a refund. Any number of instances may run, and
/// the same payment may be settled by several at once.
/// </summary>
/// <remarks>
/// What is always true: a payment that is stored gets one verdict, once both stores answer, however often and in
/// whatever order its events come. The ledger's locks see to that; nothing here is remembered.
/// One payment that can't be settled holds none of the others up.
/// </remarks>
public sealed partial class PaymentSettler(
    Confirmer confirmer, Payments payments, SettlementMetrics metrics, ILogger<PaymentSettler> log)
{
    /// <summary>Where the spans of payments that are settled later come from.</summary>
    private static readonly ActivitySource Source = new("Inventory.Settlement");

    /// <summary>Most events that are claimed together. Bounds what a crash leaves to the claim's end.</summary>
    private const int Batch = 128;

    /// <summary>Payments on their way at once: enough for orders to share a transaction.</summary>
    private const int Concurrency = 32;

    /// <summary>
    /// How long a payment waits for its reservation to become known. Events reach the ledger within seconds; an
    /// outage of the materializer that lasts longer has been noticed by then.
    /// </summary>
    private static readonly TimeSpan UnknownPatience = TimeSpan.FromMinutes(15);

    /// <summary>Settles one stored payment now, if that is possible. May be repeated, also at the same time.</summary>
    /// <param name="payment">The event.</param>
    /// <param name="cancellation">Ends the waiting: it may be settled or not then.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is away: the payment is settled later.</exception>
    public async Task<PaymentAnswer> SettleAsync(StoredPayment payment, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payment);
        if (payment.Verdict is { } known) return new(PaymentProgress.Settled, known);
        try
        {
            return await DecideAsync(payment, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (StockOutage.Explains(e))
        {
            return new(PaymentProgress.StoreAway);
        }
    }

    /// <summary>One pass: settles every payment that is due, the oldest first.</summary>
    /// <param name="cancellation">Ends the pass between two payments.</param>
    /// <returns>How many payments nobody could finish an attempt at, because a store is away.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<int> SettleAsync(CancellationToken cancellation)
    {
        bool away;
        IReadOnlyList<StoredPayment> claimed;
        do
        {
            claimed = await payments.ClaimAsync(Batch, cancellation).ConfigureAwait(false);
            away = await SettleAllAsync(claimed, cancellation).ConfigureAwait(false);
        }
        while (!away && claimed.Count == Batch);

        metrics.Unsettled(await payments.CountUnsettledAsync(cancellation).ConfigureAwait(false));
        // What another instance has claimed and not finished counts too: it may have died with it.
        return (int)await payments.CountUntriedAsync(all: away, cancellation).ConfigureAwait(false);
    }

    /// <returns>Whether a store is away.</returns>
    private async Task<bool> SettleAllAsync(IReadOnlyList<StoredPayment> claimed, CancellationToken cancellation)
    {
        var untried = new ConcurrentBag<string>();
        var crowd = new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellation };
        await Parallel.ForEachAsync(claimed, crowd, async (payment, stop) =>
        {
            // The first one who meets an outage spares the others the wait.
            if (!untried.IsEmpty || !await TryAsync(payment, stop).ConfigureAwait(false)) untried.Add(payment.EventId);
        }).ConfigureAwait(false);
        if (untried.IsEmpty) return false;
        await payments.GiveBackAsync(untried, cancellation).ConfigureAwait(false);
        return true;
    }

    /// <returns>False when a store is away.</returns>
    private async Task<bool> TryAsync(StoredPayment payment, CancellationToken cancellation)
    {
        using var span = Source.StartActivity("settle payment", ActivityKind.Internal, payment.Trace);
        try
        {
            var answer = await SettleAsync(payment, cancellation).ConfigureAwait(false);
            if (answer.Progress == PaymentProgress.StoreAway) return false;
            if (answer.Progress == PaymentProgress.Settled) return true;
        }
        catch (Exception e) when (e is not OperationCanceledException && !LedgerOutage.Explains(e))
        {
            // Whatever it is, it is this payment's: the others go on.
            NotSettled(payment.EventId, payment.ReservationId, e);
        }

        await payments.PostponeAsync(payment.EventId, cancellation).ConfigureAwait(false);
        return true;
    }

    private async Task<PaymentAnswer> DecideAsync(StoredPayment payment, CancellationToken cancellation)
    {
        var answer = await confirmer.ConfirmAsync(payment.ReservationId, payment.PaymentId).ConfigureAwait(false);
        var reason = RefundReason.HoldExpired;
        if (answer.Outcome is OrderOutcome.Ended or OrderOutcome.NotFound)
        {
            (answer, reason) = await ReviveAsync(payment, answer, cancellation).ConfigureAwait(false);
        }

        switch (answer.Outcome)
        {
            case OrderOutcome.Confirmed:
                // The order's transaction has marked the event.
                var word = answer.Late ? PaymentEvent.Revived : PaymentEvent.Confirmed;
                var verdict = new PaymentVerdict(word, answer.Order!.Id);
                metrics.Settled(verdict);
                return new(PaymentProgress.Settled, verdict);
            case OrderOutcome.AlreadyConfirmed or OrderOutcome.IdUsedBefore or OrderOutcome.RefundRequired
                or OrderOutcome.Ended:
                return await ConcludeAsync(payment, reason, cancellation).ConfigureAwait(false);
            case OrderOutcome.NotFound when payment.Age > UnknownPatience:
                return await ConcludeAsync(payment, RefundReason.ReservationUnknown, cancellation)
                    .ConfigureAwait(false);
            case OrderOutcome.NotFound or OrderOutcome.Confirming or OrderOutcome.NotCovered:
                return new(PaymentProgress.Waiting);
            case OrderOutcome.Fenced:
                return new(PaymentProgress.StoreAway);
            default:
                throw new UnreachableException($"The confirmer answered {answer.Outcome}.");
        }
    }

    private async Task<PaymentAnswer> ConcludeAsync(
        StoredPayment payment, RefundReason withoutOrder, CancellationToken cancellation)
    {
        var (verdict, isNew) = await payments.ConcludeAsync(payment, withoutOrder, cancellation).ConfigureAwait(false);
        if (isNew) metrics.Settled(verdict);
        return new(PaymentProgress.Settled, verdict);
    }

    /// <summary>The payment is late. What was held is held once more, if it is still there.</summary>
    /// <returns>What became of it, and why the payment goes back if there is no order.</returns>
    private async Task<(OrderAnswer Answer, RefundReason Reason)> ReviveAsync(
        StoredPayment payment, OrderAnswer ended, CancellationToken cancellation)
    {
        var reservation = ended.Reservation;
        var hold = reservation is null
            ? LostHold.From(
                await payments.FindReservationAsync(payment.ReservationId, cancellation).ConfigureAwait(false))
            : new HoldRecord(reservation, 0, reservation.ExpiresAt);
        if (hold is null) return (ended, RefundReason.ReservationUnknown);
        // The holder did not want it any more, and perhaps has other plans by now.
        if (hold.Reservation.Status is not ReservationStatus.Expired)
        {
            return (new(OrderOutcome.Ended), RefundReason.ReservationReleased);
        }

        var answer = await confirmer.ReviveAsync(hold, payment.PaymentId).ConfigureAwait(false);
        return (answer, RefundReason.HoldExpired);
    }

    [LoggerMessage(1, LogLevel.Error, "Payment event {Event} of reservation {Reservation} can't be settled yet.")]
    private partial void NotSettled(string @event, Guid reservation, Exception failure);
}
