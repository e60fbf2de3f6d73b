using System.Diagnostics;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;
using Inventory.Storage;
using Microsoft.Extensions.Logging;

namespace Inventory.Settlement;

/// <summary>
/// Turns a hold into an order, so that Redis and PostgreSQL agree even if a process crashes between the steps.
/// </summary>
/// <remarks>
/// Invariants: the order decides. Once it is written the result is success, whatever Redis answers. A hold is unpinned
/// only after the ledger has recorded that its attempt will never become an order.
/// By design: a client that disconnects does not stop the steps; a confirm that has begun is finished.
/// By design: no unpin while PostgreSQL is unavailable. The transaction may have been committed, or may belong to
/// another caller. The lease ends, and the reconciliation worker asks the ledger.
/// </remarks>
public sealed partial class Confirmer(
    ConfirmationStore confirmationStore, Confirmations confirmations, ILogger<Confirmer> log)
{
    /// <summary>
    /// How long writing the order may take: many times what PostgreSQL needs under load, and short enough for a shopper
    /// to wait for when an API instance has crashed.
    /// </summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often an abandoned attempt is repeated. Each repetition means that PostgreSQL took longer than the lease, or
    /// that Redis has been rebuilt.
    /// </summary>
    private const int Attempts = 3;

    /// <summary>Confirms a reservation. A later repetition returns the same order.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="paymentId">The provider's name for the payment; null when there is none.</param>
    /// <returns>The order, or why there is none.</returns>
    /// <exception cref="StoreException">
    /// Of Redis: no order was begun. Of PostgreSQL: the order may have been written.
    /// </exception>
    public async Task<OrderAnswer> ConfirmAsync(Guid id, string? paymentId)
    {
        for (var attempt = 1; ; attempt++)
        {
            // 1. Pin the hold, out of reach of expiry and release.
            var pinned = await confirmationStore.PinAsync(id, Lease);
            if (pinned.Outcome is not (PinOutcome.Pinned or PinOutcome.AlreadyPinned))
            {
                return await FindOrderAsync(id, pinned);
            }

            var answer = await OrderAsync(pinned, paymentId);
            if (answer is not (null or { Outcome: OrderOutcome.Confirming })) return answer;
            if (attempt == Attempts) return answer ?? new(OrderOutcome.Fenced);
        }
    }

    /// <summary>
    /// Revives an expired reservation, if its units are still available, and confirms it: its payment came after its
    /// deadline.
    /// </summary>
    /// <param name="hold">The reservation as it was, with its number of events.</param>
    /// <param name="paymentId">The provider's name for the payment.</param>
    /// <returns>
    /// The order, or why there is none: <see cref="OrderOutcome.Ended"/> when the units are sold out, or when the
    /// reservation did not expire but was released or confirmed.
    /// </returns>
    /// <inheritdoc cref="ConfirmAsync"/>
    public async Task<OrderAnswer> ReviveAsync(HoldRecord hold, string paymentId)
    {
        ArgumentNullException.ThrowIfNull(hold);
        var (outcome, pinned) = await confirmationStore.ReviveAsync(hold, Lease);
        return outcome switch
        {
            RestoreOutcome.Restored =>
                await OrderAsync(pinned!, paymentId) ?? new(OrderOutcome.Fenced),
            // Another caller has revived it.
            RestoreOutcome.AlreadyThere => await ConfirmAsync(hold.Reservation.Id, paymentId).ConfigureAwait(false),
            RestoreOutcome.Insufficient or RestoreOutcome.UnknownSku or RestoreOutcome.Ended =>
                new(OrderOutcome.Ended, null, hold.Reservation),
            RestoreOutcome.Fenced => new(OrderOutcome.Fenced),
            _ => throw new UnreachableException($"The engine answered {outcome}, which it settles itself."),
        };
    }

    /// <returns>Null when Redis has been rebuilt since the pin; nothing was decided then.</returns>
    private async Task<OrderAnswer?> OrderAsync(PinAnswer pinned, string? paymentId)
    {
        // 2. Write the order, which decides.
        var request = Request(pinned, paymentId);
        var answer = await confirmations.ConfirmAsync(request, CancellationToken.None);

        // 3. Commit the order to Redis.
        if (answer.Order is not null)
        {
            await CommitAsync(request.ReservationId, answer.Totals);
            var isNew = answer.Outcome == ConfirmOutcome.Confirmed;
            return new(isNew ? OrderOutcome.Confirmed : OrderOutcome.AlreadyConfirmed, answer.Order)
            {
                Late = request.Late,
            };
        }

        // After a rebuild, unpinning could undo another caller's attempt.
        if (answer.Outcome == ConfirmOutcome.PinOutdated) return null;
        foreach (var pin in pinned.Pins) await confirmationStore.UnpinAsync(request.ReservationId, pin);
        return new(Refusal(answer.Outcome), null, pinned.Reservation, answer.Sku);
    }

    private static OrderOutcome Refusal(ConfirmOutcome outcome) => outcome switch
    {
        ConfirmOutcome.PinAbandoned => OrderOutcome.Confirming,
        ConfirmOutcome.NotCovered => OrderOutcome.NotCovered,
        ConfirmOutcome.IdUsedBefore => OrderOutcome.IdUsedBefore,
        ConfirmOutcome.RefundRequired => OrderOutcome.RefundRequired,
        _ => throw new UnreachableException($"The ledger answered {outcome} without an order."),
    };

    /// <summary>A reservation that is no longer held may have become an order, long before Redis forgot it.</summary>
    private async Task<OrderAnswer> FindOrderAsync(Guid id, PinAnswer pinned)
    {
        if (pinned.Outcome == PinOutcome.Fenced) return new(OrderOutcome.Fenced);
        var (order, _) = await confirmations.FindOrderAsync(id, CancellationToken.None);
        if (order is not null) return new(OrderOutcome.AlreadyConfirmed, order);
        return pinned.Outcome switch
        {
            PinOutcome.NotFound => new(OrderOutcome.NotFound),
            PinOutcome.Ended => new(OrderOutcome.Ended, null, pinned.Reservation),
            _ => throw new UnreachableException($"The engine answered {pinned.Outcome}."),
        };
    }

    private async Task CommitAsync(Guid id, IReadOnlyList<SkuTotal> totals)
    {
        try
        {
            await confirmationStore.CommitAsync(id, totals);
        }
        catch (StoreException e) when (e is { Store: Store.Redis, IsOutage: true } or CorruptDataException)
        {
            // Redis is unavailable, or the SKU is being repaired. The hold stays pinned until its lease ends; then the
            // reconciliation worker commits it.
            CommitLeft(id, e);
        }
    }

    private static ConfirmRequest Request(PinAnswer pinned, string? paymentId) => new()
    {
        ReservationId = pinned.Reservation!.Id,
        Pins = pinned.Pins,
        Holder = pinned.Reservation.Holder.Text,
        Lines = pinned.Reservation.Lines,
        PaymentId = paymentId,
        Late = pinned.DecidedAt > pinned.Reservation.ExpiresAt,
    };

    [LoggerMessage(1, LogLevel.Warning,
        "The order of {Reservation} could not be committed to Redis; the worker does so when its lease ends.")]
    private partial void CommitLeft(Guid reservation, Exception failure);
}
