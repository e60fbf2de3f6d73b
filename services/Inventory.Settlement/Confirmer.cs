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

            // 2. The order, which decides.
            var answer = await confirmations.ConfirmAsync(Request(pinned, paymentId), CancellationToken.None)
                .ConfigureAwait(false);

            // 3. Redis takes over what was decided.
            if (answer.Order is not null)
            {
                await CommitAsync(id, answer.Totals).ConfigureAwait(false);
                return new(
                    answer.Outcome == ConfirmOutcome.Confirmed ? OrderOutcome.Confirmed : OrderOutcome.AlreadyConfirmed,
                    answer.Order);
            }

            // Unpinning after a rebuild could take back another's attempt.
            if (answer.Outcome == ConfirmOutcome.PinOutdated && attempt < Attempts) continue;
            if (answer.Outcome == ConfirmOutcome.PinOutdated) return new(OrderOutcome.Fenced);
            foreach (var pin in pinned.Pins) await stock.UnpinAsync(id, pin).ConfigureAwait(false);
            if (answer.Outcome == ConfirmOutcome.PinAbandoned && attempt < Attempts) continue;
            return new(Refusal(answer.Outcome), null, pinned.Reservation, answer.Sku);
        }
    }

    private static OrderOutcome Refusal(ConfirmOutcome outcome) => outcome switch
    {
        ConfirmOutcome.PinAbandoned => OrderOutcome.Confirming,
        ConfirmOutcome.NotCovered => OrderOutcome.NotCovered,
        ConfirmOutcome.IdUsedBefore => OrderOutcome.IdUsedBefore,
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
        catch (Exception e) when (e is RedisConnectionException or RedisTimeoutException)
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
    };

    [LoggerMessage(1, LogLevel.Warning, "Redis has not heard that {Reservation} is an order; its lease will tell.")]
    private partial void CommitLeft(Guid reservation, Exception failure);
}
