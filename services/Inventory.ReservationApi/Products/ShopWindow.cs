using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queueing;
using Inventory.Stock;

namespace Inventory.ReservationApi.Products;

/// <summary>Shows shoppers at once what has been written to the system of record.</summary>
/// <remarks>
/// Change capture would do it too, a moment later: so a Redis that is away fails no change. Redis ignores what is older
/// than it knows, in whatever order changes arrive.
/// </remarks>
internal sealed partial class ShopWindow(
    StockEngine engine, StockCircuit circuit, ProductCache cache, ILogger<ShopWindow> log)
{
    /// <param name="state">What has been committed.</param>
    internal async Task ShowAsync(ProductState state)
    {
        try
        {
            await circuit.CallAsync(() => engine.SetStockAsync(
                new StockTotal(state.Sku, state.Total, state.Version, state.Limit, state.Paused)));
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            NotShown(state.Sku, e.Message);
        }

        await cache.ChangedAsync(state.Sku);
    }

    /// <summary>Looks at what an order's units came from, before it is cancelled.</summary>
    /// <returns>Empty while Redis is away: whoever rebuilds or audits it counts without the order.</returns>
    internal async Task<IReadOnlyList<BeforeCancel>> LookBeforeCancelAsync(Order order)
    {
        try
        {
            return await engine.LookBeforeCancelAsync(order.Items.Select(item => item.SkuId));
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            return [];
        }
    }

    /// <summary>Puts a cancelled order's units back on sale, and off what its owner has bought, in one step.</summary>
    /// <param name="before">What <see cref="LookBeforeCancelAsync"/> saw.</param>
    /// <param name="order">The order, cancelled by this call.</param>
    /// <param name="totals">What PostgreSQL returned.</param>
    internal async Task CancelAsync(
        IReadOnlyList<BeforeCancel> before, Order order, IReadOnlyList<SkuTotal> totals)
    {
        if (before.Count == 0) return;
        var quantities = order.Items.ToDictionary(item => item.SkuId, item => item.Quantity, StringComparer.Ordinal);
        try
        {
            await engine.CancelOrderAsync(before, order.ReservationId, Holder.Parse(order.Holder), [
                .. totals.Select(total => new CancelledLine(
                    total.Sku, quantities[total.Sku], total.Total, total.Version)),
            ]);
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            // It may have been told: telling it again could lower the count twice.
            NotTold(order.Id, e.Message);
        }
    }

    [LoggerMessage(2, LogLevel.Warning,
        "What the customer of the cancelled order {Order} has bought is left to the audit: {Reason}")]
    private partial void NotTold(Guid order, string reason);

    [LoggerMessage(1, LogLevel.Warning, "The change of {Sku} is left to change capture, Redis being away: {Reason}")]
    private partial void NotShown(string sku, string reason);
}
