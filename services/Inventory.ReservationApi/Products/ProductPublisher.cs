using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.Stock;

namespace Inventory.ReservationApi.Products;

/// <summary>Writes changes of the system of record to Redis at once.</summary>
/// <remarks>
/// Change capture does it too, a moment later, so an outage of Redis fails no change. Redis ignores a total that is
/// older than its own, so changes may arrive in any order.
/// </remarks>
internal sealed partial class ProductPublisher(
    ConfirmationStore confirmationStore, LevelStore levels, StockCircuit circuit, ProductCache cache,
    ILogger<ProductPublisher> log)
{
    /// <param name="state">What has been committed.</param>
    internal async Task ShowAsync(ProductState state)
    {
        try
        {
            await circuit.CallAsync(() => levels.SetStockAsync(
                new StockLevel(state.Sku, state.Total, state.Version, state.Limit, state.Paused)));
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            NotShown(state.Sku, e.Message);
        }

        await cache.ChangedAsync(state.Sku);
    }

    /// <summary>Reads the epochs and clocks of an order's partitions, before the order is cancelled.</summary>
    /// <returns>Empty while Redis is unavailable: the next rebuild or audit counts without the order.</returns>
    internal async Task<IReadOnlyList<BeforeCancel>> PrepareCancelAsync(Order order)
    {
        try
        {
            return await confirmationStore.PrepareCancelAsync(order.Items.Select(item => item.SkuId));
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            return [];
        }
    }

    /// <summary>
    /// Makes a cancelled order's units available and subtracts them from what its owner has bought, in one step.
    /// </summary>
    /// <param name="before">What <see cref="PrepareCancelAsync"/> saw.</param>
    /// <param name="order">The order, cancelled by this call.</param>
    /// <param name="totals">What PostgreSQL returned.</param>
    internal async Task CancelAsync(
        IReadOnlyList<BeforeCancel> before, Order order, IReadOnlyList<SkuTotal> totals)
    {
        if (before.Count == 0) return;
        var quantities = order.Items.ToDictionary(item => item.SkuId, item => item.Quantity, StringComparer.Ordinal);
        try
        {
            await confirmationStore.CancelOrderAsync(before, order.ReservationId, Holder.Parse(order.Holder), [
                .. totals.Select(total => new CancelledLine(
                    total.Sku, quantities[total.Sku], total.Total, total.Version)),
            ]);
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            // Redis may have executed the call; a retry could lower the sum twice.
            UpdateFailed(order.Id, e.Message);
        }
    }

    [LoggerMessage(2, LogLevel.Warning,
        "Redis did not subtract cancelled order {Order} from what its owner has bought; the audit does: {Reason}")]
    private partial void UpdateFailed(Guid order, string reason);

    [LoggerMessage(1, LogLevel.Warning, "Redis did not get the change of {Sku}; change capture writes it: {Reason}")]
    private partial void NotShown(string sku, string reason);
}
