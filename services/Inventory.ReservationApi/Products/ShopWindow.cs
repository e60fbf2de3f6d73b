using Inventory.Ledger;
using Inventory.ReservationApi.Problems;
using Inventory.Stock;

namespace Inventory.ReservationApi.Products;

/// <summary>Shows shoppers at once what has been written to the system of record.</summary>
/// <remarks>
/// Change capture would do it too, a moment later: so a Redis that is away fails no change. Redis ignores what is older
/// than it knows, in whatever order changes arrive.
/// </remarks>
internal sealed partial class ShopWindow(StockEngine engine, ProductCache cache, ILogger<ShopWindow> log)
{
    /// <param name="state">What has been committed.</param>
    internal async Task ShowAsync(ProductState state)
    {
        try
        {
            await engine.SetStockAsync(new(state.Sku, state.Total, state.Version, state.Limit, state.Paused));
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            NotShown(state.Sku, e.Message);
        }

        await cache.ChangedAsync(state.Sku);
    }

    [LoggerMessage(1, LogLevel.Warning, "The change of {Sku} is left to change capture, Redis being away: {Reason}")]
    private partial void NotShown(string sku, string reason);
}
