using System.Diagnostics;
using Inventory.Ledger;
using Inventory.Stock;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Inventory.Settlement;

/// <summary>Turns a hold into an order: Redis and PostgreSQL agree, whoever crashes on the way.</summary>
/// <remarks>
/// What is always true: the order is the truth. Once it is written the answer is success, whatever becomes of Redis;
/// and a hold is unpinned only when the ledger has promised that its attempt will never be an order.
/// Absent: an end of the steps when the client goes away. What was begun is finished.
/// Absent: unpinning while PostgreSQL is away. The transaction may have been committed, or be another caller's. The
/// lease ends, and the reconciliation worker asks.
/// </remarks>
public sealed partial class Confirmer(StockEngine stock, Confirmations confirmations, ILogger<Confirmer> log)
{
    /// <summary>
    /// How long the order may take to be written: many times what PostgreSQL needs under load, and short enough for a
    /// shopper to wait for when an API instance has died.
    /// </summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often an abandoned attempt is made anew. Each means that PostgreSQL took longer than the lease, or that the
    /// stock store has lost count.
    /// </summary>
    private const int Attempts = 3;

    /// <summary>Confirms a reservation. A repetition finds the same order, however late.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="paymentId">The provider's name for the payment; null when there is none.</param>
    /// <returns>The order, or why there is none.</returns>
    /// <exception cref="RedisConnectionException">Redis is away; no order was begun.</exception>
    /// <exception cref="RedisTimeoutException">Redis did not answer; no order was begun.</exception>
    /// <exception cref="Npgsql.NpgsqlException">PostgreSQL is away: the order may have been written.</exception>
    public async Task<OrderAnswer> ConfirmAsync(Guid id, string? paymentId)
    {
        for (var attempt = 1; ; attempt++)
        {
            // 1. Out of reach of expiry and release.
            var pinned = await stock.PinAsync(id, Lease).ConfigureAwait(false);
            if (pinned.Outcome is not (PinOutcome.Pinned or PinOutcome.AlreadyPinned))
            {
                return await FindOrderAsync(id, pinned).ConfigureAwait(false);
            }

            var answer = await OrderAsync(pinned, paymentId).ConfigureAwait(false);
            if (answer is not (null or { Outcome: OrderOutcome.Confirming })) return answer;
            if (attempt == Attempts) return answer ?? new(OrderOutcome.Fenced);
        }
    }

    /// <summary>
    /// Holds what a reservation had once more, if it is still there, and confirms it in one go: its payment has come
    /// after its deadline.
    /// </summary>
    /// <param name="hold">The reservation as it was, with the number of events it had.</param>
    /// <param name="paymentId">The provider's name for the payment.</param>
    /// <returns>
    /// The order, or why there is none: <see cref="OrderOutcome.Ended"/> when the units are gone, or when the
    /// reservation did not run out but was released or confirmed.
    /// </returns>
    /// <inheritdoc cref="ConfirmAsync"/>
    public async Task<OrderAnswer> ReviveAsync(HoldRecord hold, string paymentId)
    {
        ArgumentNullException.ThrowIfNull(hold);
        var (outcome, pinned) = await stock.ReviveAsync(hold, Lease).ConfigureAwait(false);
        return outcome switch
        {
            RestoreOutcome.Restored =>
                await OrderAsync(pinned!, paymentId).ConfigureAwait(false) ?? new(OrderOutcome.Fenced),
            // Somebody else revived it.
            RestoreOutcome.AlreadyThere => await ConfirmAsync(hold.Reservation.Id, paymentId).ConfigureAwait(false),
            RestoreOutcome.Insufficient or RestoreOutcome.UnknownSku or RestoreOutcome.Ended =>
                new(OrderOutcome.Ended, null, hold.Reservation),
            RestoreOutcome.Fenced => new(OrderOutcome.Fenced),
            _ => throw new UnreachableException($"The engine answered {outcome}, which it settles itself."),
        };
    }

    /// <returns>Null when Redis has been rebuilt since the pin: nothing was decided.</returns>
    private async Task<OrderAnswer?> OrderAsync(PinAnswer pinned, string? paymentId)
    {
        // 2. The order, which decides.
        var request = Request(pinned, paymentId);
        var answer = await confirmations.ConfirmAsync(request, CancellationToken.None).ConfigureAwait(false);

        // 3. Redis takes over what was decided.
        if (answer.Order is not null)
        {
            await CommitAsync(request.ReservationId, answer.Totals).ConfigureAwait(false);
            var isNew = answer.Outcome == ConfirmOutcome.Confirmed;
            return new(isNew ? OrderOutcome.Confirmed : OrderOutcome.AlreadyConfirmed, answer.Order)
            {
                Late = request.Late,
            };
        }

        // Unpinning after a rebuild could take back another's attempt.
        if (answer.Outcome == ConfirmOutcome.PinOutdated) return null;
        foreach (var pin in pinned.Pins) await stock.UnpinAsync(request.ReservationId, pin).ConfigureAwait(false);
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

    /// <summary>What isn't held any more may have been sold, long before Redis forgot about it.</summary>
    private async Task<OrderAnswer> FindOrderAsync(Guid id, PinAnswer pinned)
    {
        if (pinned.Outcome == PinOutcome.Fenced) return new(OrderOutcome.Fenced);
        var (order, _) = await confirmations.FindOrderAsync(id, CancellationToken.None).ConfigureAwait(false);
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
            await stock.CommitAsync(
                id, [.. totals.Select(total => new CommittedTotal(total.Sku, total.Total, total.Version))])
                .ConfigureAwait(false);
        }
        catch (Exception e) when (StockOutage.Explains(e))
        {
            // The hold stays pinned until its lease ends, and is committed by whoever finds it.
            CommitLeft(id, e);
        }
    }

    private static ConfirmRequest Request(PinAnswer pinned, string? paymentId) => new()
    {
        ReservationId = pinned.Reservation!.Id,
        Pins = [.. pinned.Pins.Select(pin => new PinnedPart(pin.Partition, pin.Number, pin.Epoch))],
        Holder = pinned.Reservation.Holder.Text,
        Lines = [.. pinned.Reservation.Lines.Select(line => new OrderLine(line.Sku, line.Quantity))],
        PaymentId = paymentId,
        Late = pinned.DecidedAt > pinned.Reservation.ExpiresAt,
    };

    [LoggerMessage(1, LogLevel.Warning, "Redis has not heard that {Reservation} is an order; its lease will tell.")]
    private partial void CommitLeft(Guid reservation, Exception failure);
}
